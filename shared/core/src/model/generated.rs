//! Files that tests write from the code: `UPDATE=1 cargo test --package slipway-core` writes them, any other run checks that
//! they are current.

/// Writes the file, or fails where it is not as the code would write it.
#[track_caller]
pub(crate) fn keep_current(file: &str, text: &str) {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(file, text).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(file).unwrap_or_default();
    assert!(kept == text, "{file} is not current; run: UPDATE=1 cargo test --package slipway-core");
}
