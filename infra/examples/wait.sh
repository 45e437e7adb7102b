# For a build that waits for its image: source this. It needs the AWS CLI and jq.

# ask REQUEST [ALIAS]: prints the answer. The alias is read, by which nothing can be changed, or operate. It fails with 3
# if AWS refuses the call, and with 4 if there is no answer now.
ask() (
  dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
  case $1 in
    *'"id"'*) printf '%s' "$1" ;;
    *) printf '{"id": "ask-%s", %s' "$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')" "${1#*\{}" ;;
  esac >"$dir/request"
  AWS_MAX_ATTEMPTS=1 aws lambda invoke --function-name "slipway-deploy:${2:-read}" --cli-read-timeout 0 --output json \
    --payload "fileb://$dir/request" "$dir/answer" >"$dir/log" 2>&1 &&
    ! grep -q FunctionError "$dir/log" && cat "$dir/answer" && echo && exit
  cat "$dir/log" "$dir/answer" >&2 2>/dev/null
  grep -Eq 'AccessDenied|ExpiredToken|InvalidSignature|UnrecognizedClient|ResourceNotFound|locate credentials' "$dir/log" && exit 3
  exit 4
)

# wait_for REQUEST [SECONDS]: asks until the image is done, and prints the last answer. It succeeds if that is well, and
# fails with 1 if not, with 2 if the time is up before, with 3 if AWS refuses the call.
wait_for() (
  end=$(($(date +%s) + ${2:-1800}))
  while :; do
    answer=$(ask "$1") || [ $? -ne 3 ] || exit 3
    case $(printf '%s' "$answer" | jq 'if .done then .ok elif .error.mistakes then false else null end') in
      true) printf '%s\n' "$answer" && exit 0 ;;
      false) printf '%s\n' "$answer" && exit 1 ;;
    esac
    [ "$(date +%s)" -lt "$end" ] || { printf '%s\n' "$answer" && exit 2; }
    sleep 5
  done
)
