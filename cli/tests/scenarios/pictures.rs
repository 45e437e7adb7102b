//! The README's pictures of the command, drawn from what the real program shows on a terminal.
//!
//! `UPDATE=1 cargo test --package slipway-cli pictures` draws them anew; without it they are compared with what is there.

use std::path::Path;
use std::time::Duration;

use e2e::world::Failure;
use regex::Regex;
use vt100::{Parser, Screen};

use crate::harness::Fleet;
use crate::svg::{Frame, drawn};
use crate::terminal::Terminal;

/// Rows and columns of the pictures' terminals.
const SIZE: (u16, u16) = (10, 110);

const SHOP: &str = r#"
version: 1
defaults: { cluster: prod, tags: { semver: "*" } }
targets:
  - { repository: shop/web, service: web }
  - { repository: shop/api, service: api }
  - { repository: shop/search, service: search }
  - { repository: shop/orders-worker, service: orders-worker }
"#;

/// A shop of which one image failed and one service is on hold, and `web` is about to be deployed.
async fn shop() -> Fleet {
    let fleet = Fleet::configured(SHOP).await;
    for (name, tag) in [("web", "1.4.2"), ("api", "2.7.0"), ("search", "0.9.4"), ("orders-worker", "3.1.0")] {
        fleet.runs(name, tag);
    }
    fleet.world.advance(Duration::from_secs(3 * 24 * 3600));
    fleet.pushed("search", "0.9.5").await;
    let events = fleet.world.fail("prod", "search", Failure::default()).events;
    fleet.follow(events).await;
    fleet.completes("search").await;
    fleet.slipway(&["hold", "prod/orders-worker", "--reason", "sale until Monday"]).await;
    fleet.world.advance(Duration::from_secs(2 * 3600));
    fleet
}

/// What a screen shows, as if the program had run for so many seconds: how long a test takes is another each time, and
/// so is how far a wheel has turned.
fn after(screen: &Screen, seconds: usize, shown: usize) -> Frame {
    let (rows, columns) = screen.size();
    let text = screen.contents_formatted();
    let wheel = Regex::new("[⠁-⣿]").expect("a pattern").replace_all(&text, "⠠");
    let time = Regex::new(r"\d+( ?)s\b").expect("a pattern").replace_all(&wheel, format!("{seconds}${{1}}s"));
    let mut parser = Parser::new(rows, columns, 0);
    parser.process(time.as_bytes());
    Frame::of(parser.screen(), shown)
}

/// Compares a picture with the one in `docs`, or writes it there.
fn compare(name: &str, svg: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, svg).expect("the picture can be written");
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(there == svg, "docs/{name} is not what the program shows; draw it anew with UPDATE=1");
}

#[tokio::test]
async fn the_fleet_as_it_is_watched() {
    let fleet = shop().await;
    let mut terminal = Terminal::of(&fleet, &["status", "--watch"], SIZE);
    let mut frames = vec![Frame::of(terminal.until("Ctrl-C ends").await, 3)];
    fleet.pushed("web", "1.5.0").await;
    fleet.world.advance(Duration::from_secs(41));
    terminal.until("0/2").await;
    frames.push(Frame::of(terminal.until(" 42 s").await, 2));
    fleet.world.run_more("prod", "web", 1);
    fleet.world.advance(Duration::from_secs(20));
    terminal.until("1/2").await;
    frames.push(Frame::of(terminal.until("1 min").await, 2));
    fleet.completes("web").await;
    frames.push(Frame::of(terminal.until_gone("deploying").await, 4));
    terminal.types("\u{3}").await;
    assert_eq!(terminal.ended().await, 0);
    compare("status-watch.svg", &drawn("slipway status --watch", &frames));
    fleet.end();
}

#[tokio::test]
async fn a_build_as_it_waits() {
    let fleet = shop().await;
    fleet.pushed("web", "1.5.0").await;
    let mut terminal = Terminal::of(&fleet, &["wait", "prod/web", "--tag", "1.5.0"], (3, SIZE.1));
    let mut frames = vec![after(terminal.until("0/2").await, 4, 2)];
    fleet.world.run_more("prod", "web", 1);
    frames.push(after(terminal.until("1/2").await, 21, 2));
    fleet.completes("web").await;
    assert_eq!(terminal.ended().await, 0);
    frames.push(after(terminal.screen(), 48, 4));
    compare("wait.svg", &drawn("slipway wait prod/web --tag 1.5.0", &frames));
    fleet.end();
}
