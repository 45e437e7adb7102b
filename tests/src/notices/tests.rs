//! The page shows every kind there is, and needs nothing but itself.

use super::{fixtures, page};

#[test]
fn every_kind_has_a_fixture() {
    let missing = fixtures::missing(&fixtures::all());
    assert!(missing.is_empty(), "no story in tests/src/notices/fixtures tells of {missing:?}");
}

#[test]
fn the_page_is_drawn_and_needs_nothing_but_itself() {
    let stories = fixtures::all();
    let page = page::whole(&stories).unwrap();
    assert_eq!(page.notices, stories.iter().map(|story| story.notices.len()).sum::<usize>());
    assert!(page.faces >= page.notices * 4);
    for story in &stories {
        for at in 0..story.notices.len() {
            let anchor = format!("<article id=\"{}\">", story.name_of(at));
            assert_eq!(page.html.matches(&anchor).count(), 1, "{anchor}");
        }
    }
    for outside in ["<script", "<link", "<img", "<iframe", "@import", "url(", " src="] {
        assert!(!page.html.contains(outside), "{outside}");
    }
}

#[test]
fn a_single_notice_is_drawn_by_its_name() {
    let stories = fixtures::all();
    let page = page::only(&stories, "crash-rolled_back").unwrap();
    assert!(page.html.contains("runs again"));
    let unknown = page::only(&stories, "crash-rolled-back").err().unwrap();
    assert!(unknown.contains("crash-rolled_back"), "{unknown}");
}
