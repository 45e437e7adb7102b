//! What somebody meant who made a slip of the pen.

/// The candidate most like `text`, if one is: at most a third of its characters are to be changed.
pub(super) fn nearest<T: Copy>(
    text: &str,
    candidates: impl Iterator<Item = T>,
    name: impl for<'a> Fn(&'a T) -> &'a str,
) -> Option<T> {
    let text = text.to_lowercase();
    candidates
        .map(|candidate| (strsim::osa_distance(&text, &name(&candidate).to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= name(candidate).chars().count().max(3) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    #[track_caller]
    fn check(text: &str, meant: Option<&str>) {
        let keys = ["repository", "service", "cluster", "tags", "containers", "base", "environment"];
        assert_eq!(super::nearest(text, keys.into_iter(), |key| key), meant);
    }

    #[test]
    fn a_slip_of_the_pen_is_recognised() {
        check("enviroment", Some("environment"));
        check("Repository", Some("repository"));
        check("repo", None);
        check("container", Some("containers"));
        check("tag", Some("tags"));
        check("sevrice", Some("service"));
        check("replicas", None);
    }
}
