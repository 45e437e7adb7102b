//! The builds of `infra/examples` wait with the command: the steps as they stand in their files.

use std::time::Duration;

use e2e::examples;
use e2e::world::{CodeDeployStage as Stage, Image};
use serde_json::Value;

use crate::action::{Step, yaml};
use crate::harness::{Fleet, Ran};
use crate::released::{ROOT, Release, VERSION, archive};

/// The file of an example.
fn example(name: &str) -> Value {
    yaml(&format!("{ROOT}/infra/examples/{name}"))
}

/// A world with an example's configuration, in which its service runs an image.
async fn fleet(example: &str, repository: &str, service: &str, tag: &str) -> Fleet {
    let config = std::fs::read_to_string(format!("{ROOT}/infra/examples/{example}/slipway.yaml")).expect("a file");
    let fleet = Fleet::configured(&config).await;
    fleet.runs_image_of(repository, service, tag);
    fleet
}

/// Pushes an image, and delivers the event.
async fn pushed(fleet: &Fleet, repository: &str, tag: &str) {
    let push = fleet.push_to(repository, tag);
    fleet.deploy(&push.event()).await;
}

/// The last step of a job, which waits.
fn last_step(steps: &Value) -> &Value {
    steps.as_array().and_then(|steps| steps.last()).expect("steps")
}

/// Runs a step of GitHub Actions that uses the action, with these values for its expressions.
async fn waits(fleet: &Fleet, release: &Release, step: &Value, values: &[(&str, &str)]) -> Ran {
    assert_eq!(step["uses"], format!("OWNER/slipway/infra/wait@v{VERSION}"));
    let with = step["with"].as_object().expect("inputs").iter();
    let filled = |text: &Value| {
        let text = text.as_str().expect("text").to_owned();
        values.iter().fold(text, |text, (name, value)| text.replace(name, value))
    };
    let with: Vec<(&str, String)> = with.map(|(name, value)| (name.as_str(), filled(value))).collect();
    let mut inputs: Vec<(&str, &str)> = with.iter().map(|(name, value)| (*name, value.as_str())).collect();
    inputs.push(("releases", release.url()));
    Step::with(&format!("example-{}", values[0].1), &inputs).run(fleet).await
}

#[tokio::test]
async fn a_release_of_github_actions_waits() {
    let release = Release::offered("release-github").await;
    let fleet = fleet("github-actions", "shop/web", "web", "0.9.0").await;
    let job = example("github-actions/after.yml");
    let step = last_step(&job["jobs"]["release"]["steps"]);
    pushed(&fleet, "shop/web", "1.0.0").await;
    fleet.completes("web").await;
    let ran = waits(&fleet, &release, step, &[("${{ github.ref_name }}", "1.0.0")]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("✓ prod/web  runs 1.0.0"), "{ran:?}");
    let ran = waits(&fleet, &release, step, &[("${{ github.ref_name }}", "9.9.9")]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    fleet.end();
}

#[tokio::test]
async fn a_build_of_main_waits_for_its_image_or_a_newer_one() {
    let release = Release::offered("release-terraform").await;
    let fleet = fleet("terraform-image-tag", "shop", "shop", "main-0a1b2c3").await;
    let job = example("terraform-image-tag/after.yml");
    let step = last_step(&job["jobs"]["build"]["steps"]);
    for tag in ["main-3f2a91c", "main-7c6b5a4"] {
        pushed(&fleet, "shop", tag).await;
        fleet.completes("shop").await;
    }
    let tag = "${{ steps.tag.outputs.tag }}";
    let newer = waits(&fleet, &release, step, &[(tag, "main-7c6b5a4")]).await;
    assert!(newer.code == 0 && newer.out.contains("✓ prod/shop  runs main-7c6b5a4"), "{newer:?}");
    let older = waits(&fleet, &release, step, &[(tag, "main-3f2a91c")]).await;
    assert!(older.code == 0 && older.out.contains("main-3f2a91c"), "{older:?}");
    fleet.end();
}

#[tokio::test]
async fn a_commit_under_codedeploy_waits_until_it_serves() {
    let release = Release::offered("release-codedeploy").await;
    let config = std::fs::read_to_string(format!("{ROOT}/infra/examples/codedeploy/slipway.yaml")).expect("a file");
    let fleet = Fleet::configured(&config).await;
    let sha = |digit: char| digit.to_string().repeat(40);
    fleet.world.push("shop/checkout", [sha('0').as_str()], &Image::single(&sha('0')));
    examples::codedeploy(&sha('0')).make(&fleet.world, examples::appspec);
    fleet.world.advance(Duration::from_secs(60));
    let job = example("codedeploy/after.yml");
    let step = last_step(&job["jobs"]["release"]["steps"]);
    pushed(&fleet, "shop/checkout", &sha('a')).await;
    let moved = fleet.world.move_code_deploy("prod", "checkout", Stage::Serving);
    fleet.follow(moved.events).await;
    let sha_of_build = "${{ github.sha }}";
    // The old tasks are kept for an hour yet.
    let serves = waits(&fleet, &release, step, &[(sha_of_build, &sha('a'))]).await;
    assert!(serves.code == 0 && serves.out.contains("✓ prod/checkout"), "{serves:?}");
    let older = waits(&fleet, &release, step, &[(sha_of_build, &sha('0'))]).await;
    assert!(older.code == 0 && older.out.contains("prod/checkout"), "{older:?}");
    fleet.end();
}

#[tokio::test]
async fn a_pipeline_of_azure_devops_waits() {
    let release = Release::offered("release-azure").await;
    let fleet = fleet("azure-devops", "orders", "orders", "998").await;
    pushed(&fleet, "orders", "4711").await;
    fleet.completes("orders").await;
    // An older build that took longer.
    pushed(&fleet, "orders", "4710").await;
    for (number, sha256, code) in
        [("4711", release.sha256(), 0), ("4710", release.sha256(), 0), ("4711", "0".repeat(64), 1)]
    {
        let ran = pipeline(&fleet, &release, number, &sha256).await;
        assert_eq!(ran.code, code, "{number}: {ran:?}");
        assert_eq!(ran.out.contains("prod/orders"), code == 0, "{ran:?}");
    }
    fleet.end();
}

/// Runs the script of the pipeline's last task for the build with this number.
async fn pipeline(fleet: &Fleet, release: &Release, number: &str, sha256: &str) -> Ran {
    let pipeline = example("azure-devops/after.yml");
    let mut script = last_step(&pipeline["steps"])["inputs"]["inlineScript"].as_str().expect("a script").to_owned();
    let (at, archive) = (format!("{}/v{VERSION}", release.url()), archive());
    for (name, value) in pipeline["variables"].as_object().expect("variables") {
        let value = match name.as_str() {
            "slipwayRelease" => {
                assert_eq!(value, &format!("https://github.com/OWNER/slipway/releases/download/v{VERSION}"));
                at.as_str()
            }
            "slipwayArchive" => {
                assert_eq!(value, &format!("slipway-{VERSION}-x86_64-unknown-linux-gnu.tar.gz"));
                archive.as_str()
            }
            "slipwaySha256" => sha256,
            _ => value.as_str().expect("text"),
        };
        script = script.replace(&format!("$({name})"), value);
    }
    let script = script.replace("$(Build.BuildId)", number);
    assert!(!script.contains("$("), "{script}");
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("example-azure");
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut bash = fleet.program("bash");
    bash.args(["-c", &script]).env("PATH", std::env::var("PATH").expect("a search path")).current_dir(&folder);
    let ran = Ran::of(bash.output().await.expect("bash runs"));
    std::fs::remove_dir_all(&folder).expect("it is there");
    ran
}
