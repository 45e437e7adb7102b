#!/bin/sh
# Approves a commit for production: puts the tag `production` on its image.
#   ./promote.sh 4f1d0c6b…
set -eu
repository=shop/app
image() { aws ecr batch-get-image --repository-name "$repository" --image-ids "$1" --query "images[0].$2" --output text; }

digest=$(image "imageTag=$1" imageId.imageDigest)
manifest=$(image "imageDigest=$digest" imageManifest)
# Refused if the manifest is not exactly that of the digest.
aws ecr put-image --repository-name "$repository" --image-tag production --image-digest "$digest" --image-manifest "$manifest" \
  --query image.imageId.imageDigest --output text
