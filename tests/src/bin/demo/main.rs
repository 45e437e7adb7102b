//! The demo: Slipway's main job from end to end, on this machine, in words that a newcomer understands.
//!
//! Everything in it is real but AWS itself: the template, the functions' binaries, the SDK, the events' shapes.

mod page;
mod services;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use e2e::bootstraps::Build;
use e2e::emulator::{Error, Result};
use e2e::stage::{Delivered, Stage};
use e2e::world::{Call, CodeDeployStage, Failure, Image, longest_chain};
use serde_json::{Value, json};
use slipway_core::model::id::TargetName;
use slipway_core::model::timer::Scheduled;

use page::{bold, faint, heading, in_full, indented, pretty, say, show_progress};
use services::{api, balancers, of_one_container, service_of, store, web};

const CONFIG: &str = r#"version: 1
defaults:
  cluster: prod
  tags: { semver: ">=1, <2" }
targets:
  - repository: shop/web
    service: web
    environment: { APP_VERSION: "{tag}" }
  - repository: shop/store
    service: store
  - repository: shop/api
    service: api
  - repository: shop/search
    service: search
  - repository: shop/cart
    service: cart
"#;

const USAGE: &str = "\
usage: cargo demo [--release] [EVENT.json]

With --release the functions are built as AWS gets them, which takes some minutes the first time.
With a file, its event or request is delivered too, after the demo's own parts.";

#[tokio::main]
async fn main() -> ExitCode {
    let (options, files): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|it| it.starts_with('-'));
    let build = match options.as_slice() {
        [] => Some(Build::Dev),
        [option] if option == "--release" => Some(Build::Release),
        _ => None,
    };
    let (Some(build), [] | [_]) = (build, files.as_slice()) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match demo(build, files.first().map(String::as_str)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nThe demo stopped: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn demo(build: Build, own: Option<&str>) -> Result<()> {
    let began = Instant::now();
    let own = own.map(read).transpose()?;
    println!("Slipway deploys an image to Amazon ECS the moment it is pushed to Amazon ECR.");
    println!(
        "This demo runs it on your machine: its template, deployed into an emulator of AWS, and its three functions.\n"
    );
    let stage = Stage::set(CONFIG, build, &mut show_progress).await?;
    // About what a call takes within a region; without it, calls that go out side by side would not show.
    stage.world.set_latency(Duration::from_millis(20));
    println!("{}", faint(&format!("Ready after {:.0} s.", began.elapsed().as_secs_f64())));
    let began = Instant::now();
    let demo = Demo { stage };
    demo.show_the_setup();
    let event = demo.a_push_deploys().await?;
    demo.the_same_event_again(&event).await?;
    demo.an_older_version().await?;
    demo.several_containers().await?;
    let event = demo.a_dry_run().await?;
    demo.a_deployment_that_fails(&event).await?;
    demo.a_failure_that_nobody_but_slipway_sees().await?;
    demo.a_person_releases_it().await?;
    demo.a_canary_that_waits().await?;
    demo.code_deploy().await?;
    demo.a_push_in_the_waiting_hour().await?;
    demo.a_rollback_in_the_waiting_hour().await?;
    if let Some(own) = own {
        demo.your_own(&own).await?;
    }
    demo.how_to_go_on();
    // The slack function writes down what it has posted.
    demo.stage.world.take_calls();
    println!("{}", faint(&format!("The demo took {:.0} s.", began.elapsed().as_secs_f64())));
    Ok(())
}

struct Demo {
    stage: Stage,
}

impl Demo {
    fn show_the_setup(&self) {
        heading("The set-up");
        let world = &self.stage.world;
        for repository in ["shop/web", "shop/store", "shop/api", "shop/search", "shop/cart"] {
            world.push(repository, ["1.4.2"], &Image::multi_platform(&format!("{repository} 1.4.2")));
        }
        world.register(web());
        world.register(store());
        world.register(api());
        world.register(of_one_container("search"));
        world.register(of_one_container("cart"));
        let breaker = json!({ "deploymentConfiguration": {
            "deploymentCircuitBreaker": { "enable": true, "rollback": true }
        }});
        world.running_service(service_of("web", &breaker));
        world.running_service(service_of("store", &breaker));
        // Nobody but Slipway notices when this one's deployments fail.
        world.running_service(service_of("api", &json!({})));
        let canary = json!({ "loadBalancers": balancers("search"), "deploymentConfiguration": {
            "strategy": "CANARY", "bakeTimeInMinutes": 10,
            "canaryConfiguration": { "canaryPercent": 10.0, "canaryBakeTimeInMinutes": 10 },
            "lifecycleHooks": [{
                "targetType": "PAUSE", "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"],
                "timeoutConfiguration": { "timeoutInMinutes": 60, "action": "ROLLBACK" }
            }]
        }});
        world.running_service(service_of("search", &canary));
        let of_code_deploy =
            json!({ "loadBalancers": balancers("cart"), "deploymentController": { "type": "CODE_DEPLOY" } });
        world.running_service(service_of("cart", &of_code_deploy));
        world.under_code_deploy("prod", "cart", &json!({}));
        world.take_events();
        world.take_calls();
        say("The cluster prod runs five services, each at version 1.4.2, as Terraform made them:");
        say("  web     one container of the image shop/web");
        say("  store   web and sidekiq of the image shop/store, and a log router beside them");
        say("  api     one container of the image shop/api; ECS's circuit breaker is off");
        say("  search  one container of the image shop/search; ECS deploys it as a canary, and a person looks first");
        say("  cart    one container of the image shop/cart; CodeDeploy deploys it");
        say("Slipway's configuration says what is deployed to them:\n");
        println!("{}", indented(CONFIG));
    }

    async fn a_push_deploys(&self) -> Result<Value> {
        heading("A build pushes shop/web:1.5.0");
        let image = Image::multi_platform("shop/web 1.5.0");
        let push = self.stage.world.push("shop/web", ["1.5.0"], &image);
        say(&format!("A multi-platform image: ECR sends {} events, one for each manifest.", push.events.len()));
        let mut delivered = 0;
        for event in &push.events {
            if self.stage.deliver(event).await? == Delivered::ToFunctions {
                delivered += 1;
            }
        }
        say(&format!(
            "The rule lets {delivered} of them through, the one with the tag. Slipway looks, and makes a plan:\n"
        ));
        self.plan().await?;
        say("\nIt carries the plan out, and reports it. These were its calls:\n");
        self.calls();
        self.notice().await?;
        say("\nThe tasks start, and ECS calls the deployment completed:\n");
        self.ends(self.stage.world.complete("prod", "web").events).await?;
        Ok(push.event())
    }

    async fn the_same_event_again(&self, event: &Value) -> Result<()> {
        heading("The same event again");
        say("EventBridge delivers at least once. Slipway looks, sees that 1.5.0 runs, and writes nothing:\n");
        self.stage.deliver(event).await?;
        self.calls();
        self.reason(&json!({ "action": "status", "target": "prod/web", "tag": "1.5.0" })).await
    }

    async fn an_older_version(&self) -> Result<()> {
        heading("A slow build pushes 1.4.9, after 1.5.0");
        let push = self.stage.world.push("shop/web", ["1.4.9"], &Image::single("shop/web 1.4.9"));
        self.stage.deliver(&push.event()).await?;
        self.calls();
        self.reason(&json!({ "action": "status", "target": "prod/web", "tag": "1.4.9" })).await
    }

    async fn several_containers(&self) -> Result<()> {
        heading("A build pushes shop/store:1.5.0");
        say("Two containers share the image; the log router has another, and is left alone:\n");
        let push = self.stage.world.push("shop/store", ["1.5.0"], &Image::single("shop/store 1.5.0"));
        self.stage.deliver(&push.event()).await?;
        self.calls();
        self.notice().await?;
        println!();
        self.ends(self.stage.world.complete("prod", "store").events).await
    }

    async fn a_dry_run(&self) -> Result<Value> {
        heading("What would 1.6.0 change? A dry run, asked by hand");
        let push = self.stage.world.push("shop/web", ["1.6.0"], &Image::single("shop/web 1.6.0"));
        self.slipway(&["plan", "prod/web", "--tag", "1.6.0"]).await?;
        self.calls();
        Ok(push.event())
    }

    async fn a_deployment_that_fails(&self, event: &Value) -> Result<()> {
        heading("The event of that push arrives, and 1.6.0 does not start");
        self.stage.deliver(event).await?;
        self.calls();
        self.quietly(1).await?;
        say("The tasks exit again and again. ECS's circuit breaker calls the deployment failed, and rolls back:\n");
        self.ends(self.stage.world.fail("prod", "web", Failure::default()).events).await?;
        say("\nThe rollback succeeds. The service is stable, and the deploy has failed all the same:\n");
        self.ends(self.stage.world.complete("prod", "web").events).await?;
        say("\nA build that waits for its image goes red, and says why:\n");
        self.slipway(&["wait", "prod/web", "--tag", "1.6.0"]).await?;
        say("More than read it cannot. Were it to ask for a rollback through its alias:\n");
        let answer = self.read(&json!({ "action": "rollback", "target": "prod/web" })).await?;
        println!("{}", indented(answer["error"]["mistakes"][0]["text"].as_str().unwrap_or_default()));
        self.stage.world.take_calls();
        Ok(())
    }

    async fn a_failure_that_nobody_but_slipway_sees(&self) -> Result<()> {
        heading("A build pushes shop/api:1.5.0, and no circuit breaker watches over it");
        let world = &self.stage.world;
        world.last_words(["Starting up.", "Error: the variable DATABASE_URL is not set"]);
        let push = world.push("shop/api", ["1.5.0"], &Image::single("shop/api 1.5.0"));
        self.stage.deliver(&push.event()).await?;
        self.quietly(1).await?;
        world.take_calls();
        say(
            "ECS would start its tasks for ever, and report nothing. Each of them exits; at the third Slipway calls the deployment failed:\n",
        );
        let mut reported = Vec::new();
        for event in world.stop_tasks("prod", "api", Failure::Exits { code: 1 }, 3).events {
            self.stage.deliver(&event).await?;
            reported.extend(self.calls_and_notices().await?);
        }
        for notice in &reported {
            in_full(notice);
        }
        say(
            "\nIt stopped the deployment, once. ECS rolls back to the last known-good revision, and the deployment has its end:\n",
        );
        let mut events = world.carry_out_stop("prod", "api").events;
        events.extend(world.complete("prod", "api").events);
        self.headlines(events).await?;
        say("\nThe same push again changes nothing: the image is quarantined for this service.\n");
        self.stage.deliver(&push.event()).await?;
        world.take_calls();
        world.take_events();
        self.reason(&json!({ "action": "status", "target": "prod/api", "tag": "1.5.0" })).await
    }

    async fn a_person_releases_it(&self) -> Result<()> {
        heading("Ana sets the variable, and releases the image");
        self.slipway(&["release", "prod/api", "--tag", "1.5.0", "--reason", "the variable is set"]).await?;
        self.calls_and_headlines().await?;
        say("\nIt is deployed again. The fleet meanwhile:\n");
        self.slipway(&["status"]).await?;
        self.stage.world.take_calls();
        self.headlines(self.stage.world.complete("prod", "api").events).await?;
        say("\nWhat Slipway remembers of prod/api, newest first:\n");
        self.slipway(&["history", "prod/api"]).await?;
        say("And what Slack shows of it, one message for each deployment:\n");
        println!("{}", indented(&self.slack_s_view_of_api().await?));
        Ok(())
    }

    /// What Slack shows from the first deployment of `prod/api` on, once the last one's end is shown.
    async fn slack_s_view_of_api(&self) -> Result<String> {
        // It takes one message a second for a channel.
        for _ in 0..60 {
            let view = self.stage.slack.view("#deploys");
            let of_api: Vec<&str> = view.lines().skip_while(|line| !line.contains("prod/api")).collect();
            if of_api.iter().any(|line| line.contains("Deployed to prod/api")) {
                return Ok(of_api.join("\n"));
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        Err(Error::new("waiting for Slack", "it never showed the end of the last deployment"))
    }

    async fn a_canary_that_waits(&self) -> Result<()> {
        heading("A build pushes shop/search:1.5.0, a canary that waits for a person");
        let world = &self.stage.world;
        let push = world.push("shop/search", ["1.5.0"], &Image::single("shop/search 1.5.0"));
        self.headlines([push.event()]).await?;
        say("\nNo event tells of a stage, so Slipway looks once a minute. At a pause hook ECS waits for somebody:\n");
        world.reach_stage("prod", "search", "POST_TEST_TRAFFIC_SHIFT");
        self.a_minute_later("prod/search").await?;
        self.headlines(world.pause("prod", "search", Duration::from_secs(3600)).events).await?;
        say("\nAna tries the new tasks with the test traffic, and lets the deployment go on:\n");
        self.slipway(&["continue", "prod/search"]).await?;
        self.calls_and_headlines().await?;
        world.shift_traffic("prod", "search", 10);
        self.a_minute_later("prod/search").await?;
        world.reach_stage("prod", "search", "BAKE_TIME");
        self.a_minute_later("prod/search").await?;
        self.headlines(world.complete("prod", "search").events).await
    }

    async fn code_deploy(&self) -> Result<()> {
        heading("A build pushes shop/cart:1.5.0, which CodeDeploy deploys");
        let push = self.stage.world.push("shop/cart", ["1.5.0"], &Image::single("shop/cart 1.5.0"));
        self.headlines([push.event()]).await?;
        say("\nThe stages are the same. Once all traffic has moved, CodeDeploy keeps the old tasks for an hour:\n");
        for stage in [CodeDeployStage::Installing, CodeDeployStage::Shifting, CodeDeployStage::Serving] {
            self.headlines(self.stage.world.move_code_deploy("prod", "cart", stage).events).await?;
            self.a_minute_later("prod/cart").await?;
        }
        Ok(())
    }

    async fn a_push_in_the_waiting_hour(&self) -> Result<()> {
        heading("In that hour a build pushes shop/cart:1.6.0");
        let push = self.stage.world.push("shop/cart", ["1.6.0"], &Image::single("shop/cart 1.6.0"));
        self.headlines([push.event()]).await?;
        self.reason(&json!({ "action": "status", "target": "prod/cart", "tag": "1.6.0" })).await?;
        println!();
        self.slipway(&["status", "prod/cart"]).await?;
        self.stage.world.take_calls();
        Ok(())
    }

    async fn a_rollback_in_the_waiting_hour(&self) -> Result<()> {
        heading("In that hour Ana rolls back");
        let world = &self.stage.world;
        self.slipway(&["rollback", "prod/cart", "--yes"]).await?;
        self.calls_and_headlines().await?;
        say("The old tasks still run, so CodeDeploy only gives the traffic back to them:\n");
        self.headlines(world.carry_out_code_deploy_stop("prod", "cart").events).await?;
        self.headlines(world.move_code_deploy("prod", "cart", CodeDeployStage::Ended).events).await?;
        println!();
        self.slipway(&["status", "prod/cart"]).await?;
        say("What was pushed before her decision is not deployed by itself any more:\n");
        self.reason(&json!({ "action": "status", "target": "prod/cart", "tag": "1.6.0" })).await
    }

    async fn your_own(&self, payload: &Value) -> Result<()> {
        heading("Your own");
        if payload.get("detail-type").is_none() {
            println!("{}", indented(&pretty(&self.operate(payload).await?)));
        } else if self.stage.deliver(payload).await? == Delivered::ToNobody {
            say("No rule of the template matches this event.");
        } else {
            for function in ["deploy", "track"] {
                let log = self.stage.stack.log(function).await?;
                let last = log.iter().rev().find(|line| line.starts_with('{') && !line.contains("_aws"));
                say(&format!("{function} says last: {}", last.map_or("nothing", String::as_str)));
            }
        }
        self.calls();
        Ok(())
    }

    fn how_to_go_on(&self) {
        heading("Try your own");
        say("Write an event or a request to a file, and deliver it after this demo:\n");
        println!("  echo '{{\"action\": \"deploy\", \"target\": \"prod/web\", \"tag\": \"1.4.9\"}}' > request.json");
        println!("  cargo demo request.json\n");
        say("tests/events holds events of every kind. README.md says how to install Slipway on AWS.");
        say(
            "cargo notices draws every message that Slipway sends, as Slack and the others show it: target/notices.html",
        );
    }

    /// Delivers what ECS sent, and shows what is published.
    async fn ends(&self, events: Vec<Value>) -> Result<()> {
        for event in events {
            say(&format!("ECS: {}", event["detail"]["reason"].as_str().unwrap_or_default()));
            self.stage.deliver(&event).await?;
            let publishes = self.stage.world.take_calls().iter().filter(|call| call.name() == "SNS.Publish").count();
            for _ in 0..publishes {
                self.notice().await?;
            }
        }
        self.stage.world.take_events();
        Ok(())
    }

    /// Delivers events, and shows what Slipway writes and publishes then.
    async fn headlines(&self, events: impl IntoIterator<Item = Value>) -> Result<()> {
        for event in events {
            self.stage.deliver(&event).await?;
        }
        self.calls_and_headlines().await
    }

    /// The timer of a target fires, by which Slipway looks how far a deployment is.
    async fn a_minute_later(&self, target: &str) -> Result<()> {
        let timer = Scheduled::Timer { target: TargetName::new(target) };
        let answer = self.stage.stack.invoke("deploy", &timer.payload()).await?;
        answer.map_err(|error| Error::new(format!("firing the timer of {target}"), error))?;
        self.calls_and_headlines().await
    }

    /// Shows what was written since the last time, and the headlines that were published.
    async fn calls_and_headlines(&self) -> Result<()> {
        for notice in self.calls_and_notices().await? {
            println!("  {} {}", bold("notice"), notice["headline"].as_str().unwrap_or_default());
        }
        Ok(())
    }

    /// The plan that the deploy function logged last.
    async fn plan(&self) -> Result<()> {
        let log = self.stage.stack.log("deploy").await?;
        let plans = log.iter().rev().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let plan = plans.filter_map(|line| Some(line["fields"]["plan"].as_str()?.to_owned())).next();
        let plan =
            plan.ok_or_else(|| Error::new("reading the plan from the deploy function's log", "there is none"))?;
        println!("{}", indented(&plan));
        Ok(())
    }

    /// The AWS calls since the last time, and how many of them followed one upon the other.
    fn calls(&self) {
        let calls = self.stage.world.take_calls();
        let shown = ["ECS", "ECR", "CodeDeploy", "SNS"];
        let calls: Vec<_> = calls.into_iter().filter(|call| shown.contains(&call.service.as_str())).collect();
        println!("{}", indented(&e2e::world::transcript(&calls)));
        let update = |call: &&Call| matches!(call.operation.as_str(), "UpdateService" | "CreateDeployment");
        let accepted = calls.iter().filter(update).map(|call| call.span.end).max();
        let before: Vec<_> = calls
            .into_iter()
            .filter(|call| call.service != "SNS" && accepted.is_none_or(|accepted| call.span.end <= accepted))
            .collect();
        let chain = longest_chain(&before);
        let whose = match before.iter().any(|call| call.service == "CodeDeploy") {
            true => "ECR, ECS and CodeDeploy",
            false => "ECR and ECS",
        };
        println!("{}", faint(&format!("  {} calls to {whose}, at most {chain} one after the other\n", before.len())));
        self.stage.world.take_events();
    }

    /// Shows the writes to ECS and CodeDeploy since the last time, and takes the notices that were published meanwhile.
    async fn calls_and_notices(&self) -> Result<Vec<Value>> {
        let calls = self.stage.world.take_calls();
        let published = calls.iter().filter(|call| call.name() == "SNS.Publish").count();
        let writes: Vec<_> = calls
            .into_iter()
            .filter(|call| matches!(call.service.as_str(), "ECS" | "CodeDeploy") && call.is_write())
            .collect();
        if !writes.is_empty() {
            println!("{}\n", indented(&e2e::world::transcript(&writes)));
        }
        let mut notices = Vec::new();
        for _ in 0..published {
            let notice = self.stage.inbox.next().await?;
            notices.push(serde_json::from_str(notice["Message"].as_str().unwrap_or_default()).unwrap_or_default());
        }
        self.stage.world.take_events();
        Ok(notices)
    }

    /// The next notice, as e-mail and Slack show it.
    async fn notice(&self) -> Result<()> {
        let notice = self.stage.inbox.next().await?;
        let structured: Value =
            serde_json::from_str(notice["Message"].as_str().unwrap_or_default()).unwrap_or_default();
        println!("  {} {}", bold("notice"), notice["Subject"].as_str().unwrap_or_default());
        for line in structured["reason"].as_str().unwrap_or_default().lines() {
            println!("         {line}");
        }
        let slack = self.stage.slack.next().await.ok_or_else(|| Error::new("waiting for Slack", "no message came"))?;
        println!(
            "  {}  {}",
            bold("slack"),
            slack["text"].as_str().unwrap_or_default().lines().next().unwrap_or_default()
        );
        Ok(())
    }

    /// Takes notices without showing them.
    async fn quietly(&self, count: usize) -> Result<()> {
        for _ in 0..count {
            self.stage.inbox.next().await?;
            self.stage.slack.next().await;
        }
        Ok(())
    }

    /// Runs the command, and shows what it prints.
    async fn slipway(&self, words: &[&str]) -> Result<()> {
        let quoted = |word: &&str| if word.contains(' ') { format!("\"{word}\"") } else { (*word).to_owned() };
        let line: Vec<String> = words.iter().map(quoted).collect();
        println!("  {}\n", bold(&format!("$ slipway {}", line.join(" "))));
        let (text, code) = self.stage.slipway(words).await?;
        println!("{}", indented(text.trim_end()));
        if code != 0 {
            println!("{}", faint(&format!("  exit code {code}")));
        }
        println!();
        Ok(())
    }

    /// What Slipway says became of an image.
    async fn reason(&self, request: &Value) -> Result<()> {
        let answer = self.read(request).await?;
        let asked = &answer["targets"][0]["asked"];
        let reason = asked["reason"].as_str().map(|reason| format!(": {reason}")).unwrap_or_default();
        say(&format!("  {} {}{reason}", bold("status"), asked["state"].as_str().unwrap_or_default()));
        self.stage.world.take_calls();
        Ok(())
    }

    /// Asks as a build may.
    async fn read(&self, request: &Value) -> Result<Value> {
        self.ask("deploy:read", request).await
    }

    /// Asks as a person may who operates Slipway.
    async fn operate(&self, request: &Value) -> Result<Value> {
        self.ask("deploy:operate", request).await
    }

    async fn ask(&self, function: &str, request: &Value) -> Result<Value> {
        let answer = self.stage.stack.invoke(function, request).await?;
        answer.map_err(|error| Error::new(format!("asking {request}"), error))
    }
}

fn read(file: &str) -> Result<Value> {
    let text = std::fs::read_to_string(file).map_err(|error| Error::new(format!("reading {file}"), error))?;
    serde_json::from_str(&text).map_err(|error| Error::new(format!("reading {file}"), error))
}
