//! A release as GitHub offers it: archives and `SHA256SUMS`, made by the project's own scripts of the command that is
//! tested, behind HTTP.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use crate::harness::Ran;

/// The version of the release.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The repository.
pub(crate) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// What the command is released for.
const PLATFORMS: [&str; 4] =
    ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "x86_64-apple-darwin", "aarch64-apple-darwin"];

/// A folder with a release, and its address. Dropping it ends both.
#[derive(Debug)]
pub(crate) struct Release {
    folder: PathBuf,
    url: String,
    server: AbortHandle,
}

/// The files of a release by their names. They are made once: to compress the command takes seconds.
static MADE: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
    let folder = empty_folder(&format!("release-{}", std::process::id()));
    // What the other machines of a release make.
    let platforms = PLATFORMS.map(|platform| format!("slipway-{VERSION}-{platform}.tar.gz"));
    let functions =
        ["x86_64", "arm64"].map(|architecture| format!("slipway-functions-{VERSION}-{architecture}.tar.gz"));
    for name in platforms.iter().chain(&functions) {
        fs::write(folder.join(name), name).expect("it is written");
    }
    let program = folder.join("slipway");
    // Without what only a debugger reads, which is most of it.
    run(Command::new("strip").arg("-o").arg(&program).arg(env!("CARGO_BIN_EXE_slipway")));
    run(&mut packs(&program, &std::env::consts::ARCH.replace("aarch64", "arm64"), &folder));
    fs::remove_file(&program).expect("the program is there");
    run(script(&["sums"]).arg(&folder));
    let files = fs::read_dir(&folder).expect("the folder").map(|file| {
        let file = file.expect("a file");
        (file.file_name().into_string().expect("text"), fs::read(file.path()).expect("it is read"))
    });
    let files = files.collect();
    fs::remove_dir_all(&folder).expect("it is there");
    files
});

impl Release {
    /// A release of the command.
    pub(crate) async fn offered(name: &str) -> Self {
        let folder = empty_folder(name);
        for (name, content) in &*MADE {
            fs::write(folder.join(name), content).expect("it is written");
        }
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let url = format!("http://{}/download", listener.local_addr().expect("an address"));
        let server = tokio::spawn(serve(listener, folder.clone())).abort_handle();
        Self { folder, url, server }
    }

    /// The address below which each version has its files.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The SHA-256 of the archive for the machine that tests.
    pub(crate) fn sha256(&self) -> String {
        let sums = fs::read_to_string(self.file("SHA256SUMS")).expect("the sums");
        let line = sums.lines().find(|line| line.ends_with(&archive())).expect("the archive has a sum");
        line.split(' ').next().expect("a sum").to_owned()
    }

    /// Where a file of the release is.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Drop for Release {
    fn drop(&mut self) {
        self.server.abort();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A folder of this name for a test, with nothing in it.
fn empty_folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// The archive of the command for the machine that tests.
pub(crate) fn archive() -> String {
    let system = if std::env::consts::OS == "macos" { "apple-darwin" } else { "unknown-linux-gnu" };
    format!("slipway-{VERSION}-{}-{system}.tar.gz", std::env::consts::ARCH)
}

/// The script of releases.
fn script(words: &[&str]) -> Command {
    let mut script = Command::new(format!("{ROOT}/.ci/release"));
    script.args(words);
    script
}

/// What packs a program as the command.
fn packs(program: &Path, architecture: &str, assets: &Path) -> Command {
    let mut packs = Command::new("python3");
    packs.arg(format!("{ROOT}/infra/release.py")).args(["--architecture", architecture]);
    packs.arg("--command").arg(program).arg("--assets").arg(assets);
    packs
}

fn run(command: &mut Command) -> Ran {
    let ran = Ran::of(command.output().unwrap_or_else(|error| panic!("{command:?}: {error}")));
    assert_eq!(ran.code, 0, "{command:?}: {ran:?}");
    ran
}

/// Answers GET of `/download/vVERSION/FILE`, and nothing else.
async fn serve(listener: TcpListener, folder: PathBuf) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut request = Vec::new();
        let mut part = [0; 1024];
        while !request.windows(4).any(|end| end == b"\r\n\r\n") {
            match stream.read(&mut part).await {
                Ok(read) if read > 0 => request.extend_from_slice(&part[..read]),
                _ => break,
            }
        }
        let request = String::from_utf8_lossy(&request).into_owned();
        let name = request.strip_prefix(&format!("GET /download/v{VERSION}/"));
        let name = name.and_then(|rest| rest.split(' ').next());
        let (status, body) = match name.and_then(|name| fs::read(folder.join(name)).ok()) {
            Some(file) => ("200 OK", file),
            None => ("404 Not Found", Vec::new()),
        };
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        // Whoever asked may have gone.
        let _ = stream.write_all(head.as_bytes()).await;
        let _ = stream.write_all(&body).await;
    }
}

#[tokio::test]
async fn a_release_has_the_archives_of_all_platforms_and_no_other() {
    let release = Release::offered("release-whole").await;
    fs::remove_file(release.file(&format!("slipway-{VERSION}-aarch64-apple-darwin.tar.gz"))).expect("it was there");
    let ran = Ran::of(script(&["sums"]).arg(&release.folder).output().expect("it runs"));
    let missing = format!("slipway-{VERSION}-aarch64-apple-darwin.tar.gz is not in {}\n", release.folder.display());
    assert_eq!((ran.code, ran.err), (1, missing));
}

#[test]
fn a_release_is_that_of_its_tag() {
    let ran = Ran::of(script(&["build", "v99.0.0"]).output().expect("it runs"));
    let said = format!("the tag is v99.0.0, and the version in Cargo.toml is {VERSION}\n");
    assert_eq!((ran.code, ran.err), (1, said));
}

#[test]
fn an_archive_is_named_for_what_is_in_it() {
    let folder = empty_folder("release-named");
    let program = folder.join("program");
    let elf = |machine: u8| [b"\x7fELF\x02\x01".as_slice(), &[0; 12], &[machine, 0], &[0; 44]].concat();
    let mach_o = |kind: u8| [b"\xcf\xfa\xed\xfe".as_slice(), &[kind, 0, 0, 1], &[0; 24]].concat();
    for (content, architecture, platform) in [
        (elf(62), "x86_64", "x86_64-unknown-linux-gnu"),
        (elf(183), "arm64", "aarch64-unknown-linux-gnu"),
        (mach_o(7), "x86_64", "x86_64-apple-darwin"),
        (mach_o(12), "arm64", "aarch64-apple-darwin"),
    ] {
        fs::write(&program, content).expect("it is written");
        let ran = run(&mut packs(&program, architecture, &folder));
        assert!(ran.out.ends_with(&format!("slipway-{VERSION}-{platform}.tar.gz\n")), "{ran:?}");
    }
    let ran = Ran::of(packs(&program, "x86_64", &folder).output().expect("it runs"));
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("is no program for x86_64"), "{ran:?}");
    fs::remove_dir_all(&folder).expect("it is there");
}

#[test]
fn the_documents_name_this_version() {
    let named = regex::Regex::new(r"(?:slipway-(?:functions-)?|infra/wait@v|releases/download/v)(\d+\.\d+\.\d+)");
    let named = named.expect("a pattern");
    for (document, least) in [
        ("README.md", 5),
        ("infra/examples/github-actions/after.yml", 1),
        ("infra/examples/terraform-image-tag/after.yml", 1),
        ("infra/examples/azure-devops/after.yml", 2),
        ("infra/examples/codedeploy/after.yml", 1),
        ("infra/examples/staging-and-production/after.yml", 1),
    ] {
        let text = fs::read_to_string(format!("{ROOT}/{document}")).expect("it is there");
        let versions: Vec<&str> = named.captures_iter(&text).map(|it| it.get(1).expect("a version").as_str()).collect();
        assert!(versions.len() >= least, "{document}: {versions:?}");
        assert!(versions.iter().all(|version| *version == VERSION), "{document}: {versions:?}");
    }
}
