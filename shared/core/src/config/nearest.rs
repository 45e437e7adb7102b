//! The known word that a misspelled one is most like.

/// The candidate most like `text`, if one is: at most a third of its characters are to be changed.
pub(super) fn nearest<'c>(text: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    let text = text.to_lowercase();
    candidates
        .map(|candidate| (strsim::osa_distance(&text, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().max(3) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    #[track_caller]
    fn check(text: &str, intended: Option<&str>) {
        let keys = ["repository", "service", "cluster", "tags", "containers", "base", "environment"];
        assert_eq!(super::nearest(text, keys.into_iter()), intended);
    }

    #[test]
    fn a_misspelling_is_recognised() {
        check("enviroment", Some("environment"));
        check("Repository", Some("repository"));
        check("repo", None);
        check("container", Some("containers"));
        check("tag", Some("tags"));
        check("sevrice", Some("service"));
        check("replicas", None);
    }
}
