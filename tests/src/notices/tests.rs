//! The page shows every kind there is, and needs nothing but itself.

use super::{fixtures, page};

#[test]
fn every_kind_has_a_fixture() {
    let missing = fixtures::missing(&fixtures::all());
    assert!(missing.is_empty(), "no scenario in tests/src/notices/fixtures has {missing:?}");
}

#[test]
fn the_page_is_drawn_and_needs_nothing_but_itself() {
    let scenarios = fixtures::all();
    let page = page::whole(&scenarios).unwrap();
    assert_eq!(page.notices, scenarios.iter().map(|scenario| scenario.notices.len()).sum::<usize>());
    assert!(page.formats >= page.notices * 4);
    for scenario in &scenarios {
        for at in 0..scenario.notices.len() {
            let anchor = format!("<article id=\"{}\">", scenario.name_of(at));
            assert_eq!(page.html.matches(&anchor).count(), 1, "{anchor}");
        }
    }
    for outside in ["<script", "<link", "<img", "<iframe", "@import", "url(", " src="] {
        assert!(!page.html.contains(outside), "{outside}");
    }
}

#[test]
fn a_single_notice_is_drawn_by_its_name() {
    let scenarios = fixtures::all();
    let page = page::only(&scenarios, "crash-rolled_back").unwrap();
    assert!(page.html.contains("runs again"));
    let unknown = page::only(&scenarios, "crash-rolled-back").err().unwrap();
    assert!(unknown.contains("crash-rolled_back"), "{unknown}");
}
