//! What people see on a terminal: the line that moves, the picture that is drawn anew, the question before an action.

use e2e::lambda::Fault;
use insta::assert_snapshot;

use crate::harness::Fleet;
use crate::terminal::Terminal;

#[tokio::test]
async fn a_line_moves_until_the_image_runs() {
    let fleet = Fleet::of_two().await;
    fleet.pushed("web", "1.5.0").await;
    let mut terminal = Terminal::of(&fleet, &["wait", "prod/web", "--tag", "1.5.0"], (6, 80));
    terminal.until("0/2").await;
    assert!(terminal.shown().contains(" prod/web  1.5.0 deploying  ░░░░░░░░░░ 0/2  "), "{}", terminal.shown());
    fleet.world.run_more("prod", "web", 1);
    terminal.until("█████░░░░░ 1/2").await;
    assert_eq!(terminal.shown().lines().count(), 1, "it is one line: {}", terminal.shown());
    fleet.completes("web").await;
    terminal.until("✓").await;
    assert_eq!(terminal.ended().await, 0);
    let shown = terminal.shown();
    assert!(shown.starts_with("✓ prod/web  runs 1.5.0 (web:2), after "), "the line that moved is gone: {shown}");
    fleet.end();
}

#[tokio::test]
async fn a_line_that_moves_fits_a_narrow_terminal() {
    let fleet = Fleet::of_two().await;
    fleet.pushed("web", "1.5.0").await;
    fleet.lambda.plan(Fault::CutBefore);
    let mut terminal = Terminal::of(&fleet, &["wait", "prod/web", "--tag", "1.5.0"], (8, 40));
    terminal.until("0/2").await;
    let lines: Vec<String> = terminal.screen().rows(0, 40).collect();
    assert!(lines[0].starts_with("cannot ask now: ") && lines[0].ends_with('…'), "said above the line: {lines:#?}");
    assert!(lines[1].contains(" prod/web  1.5.0 deploying  0/2  "), "{lines:#?}");
    assert!(lines[2..].iter().all(String::is_empty), "{lines:#?}");
    fleet.end();
}

#[tokio::test]
async fn the_fleet_is_drawn_until_ctrl_c() {
    let fleet = Fleet::of_two().await;
    let mut terminal = Terminal::of(&fleet, &["status", "--watch"], (12, 100));
    terminal.until("Ctrl-C ends").await;
    assert!(terminal.screen().alternate_screen() && terminal.screen().hide_cursor());
    fleet.pushed("web", "1.5.0").await;
    terminal.until("deploying 1.5.0").await;
    terminal.resize((12, 60));
    // On few columns what happens stands below each target.
    terminal.until("\n  deploying 1.5.0").await;
    fleet.lambda.plan(Fault::CutBefore);
    terminal.until("cannot ask now").await;
    assert!(terminal.shown().contains("deploying 1.5.0"), "the last picture stays: {}", terminal.shown());
    terminal.until_gone("cannot ask now").await;
    terminal.types("\u{3}").await;
    assert_eq!(terminal.ended().await, 0);
    assert!(!terminal.screen().alternate_screen() && !terminal.screen().hide_cursor(), "the terminal is as before");
    assert!(terminal.shown().contains("deploying 1.5.0"), "the last picture stays: {}", terminal.shown());
    fleet.end();
}

#[tokio::test]
async fn a_fleet_that_is_taller_than_the_terminal_says_so() {
    let fleet = Fleet::of_two().await;
    let mut terminal = Terminal::of(&fleet, &["status", "--watch"], (5, 100));
    terminal.until("lines more; name targets to see fewer").await;
    terminal.types("\u{3}").await;
    assert_eq!(terminal.ended().await, 0);
    fleet.end();
}

#[tokio::test]
async fn a_person_is_asked_before_anything_changes() {
    let fleet = Fleet::of_two().await;
    fleet.push("web", "1.5.0");
    let deploy = ["deploy", "prod/web", "--tag", "1.5.0"];
    let mut terminal = Terminal::of(&fleet, &deploy, (24, 100));
    terminal.until("Carry this out? [y/N]").await;
    assert!(fleet.lambda.take_invoked().iter().all(|it| it.request["dry_run"] == true), "nothing but a dry run");
    terminal.types("\n").await;
    assert_eq!(terminal.ended().await, 4);
    assert_snapshot!("declined", terminal.shown());
    assert_eq!(fleet.lambda.take_invoked(), [], "nothing was changed");
    let mut terminal = Terminal::of(&fleet, &deploy, (24, 100));
    terminal.until("Carry this out? [y/N]").await;
    terminal.types("y\n").await;
    terminal.until("started").await;
    assert_eq!(terminal.ended().await, 0);
    assert_snapshot!("agreed", terminal.shown());
    fleet.end();
}

#[tokio::test]
async fn colours_are_left_out_where_they_are_not_wanted() {
    let fleet = Fleet::of_two().await;
    for (environment, wanted) in [(("TERM", "xterm"), true), (("NO_COLOR", "1"), false), (("TERM", "dumb"), false)] {
        let mut terminal = Terminal::with(&fleet, &["status"], (12, 100), &[environment]);
        assert_eq!(terminal.ended().await, 0);
        let cell = terminal.screen().cell(1, 0).expect("a cell");
        assert_eq!((cell.contents(), cell.bold()), ("p", wanted), "{environment:?}: {}", terminal.shown());
    }
    fleet.end();
}
