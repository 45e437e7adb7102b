//! The names that ECS allows, so that a wrong one is reported here and not by AWS in the middle of a deploy.

/// The longest name of a cluster, a service or a container (ECS's API reference).
const LONGEST: usize = 255;

/// Checks the name of a cluster, a service or a container, `what`; the error says what would be right.
pub(super) fn check(what: &str, name: &str) -> Result<(), String> {
    if let Some((_, last)) = name.rsplit_once('/') {
        let of = if name.starts_with("arn:") { "an ARN" } else { "a path" };
        return Err(format!("{name:?} is {of}; write the {what}'s name alone, {last:?}"));
    }
    if name.is_empty() {
        return Err(format!("an empty text is no name of a {what}; write one such as \"web\""));
    }
    if name.len() > LONGEST {
        return Err(format!(
            "a {what}'s name has at most {LONGEST} characters, and this one has {}",
            name.chars().count()
        ));
    }
    match name.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))) {
        None => Ok(()),
        Some(c) => {
            Err(format!("{name:?} is no name of a {what}: ECS allows letters, digits, - and _ there, and no {c:?}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ecs_allows_is_a_name() {
        for name in ["web", "Web_2", "-", "_", &"a".repeat(255)] {
            assert_eq!(check("service", name), Ok(()));
        }
    }

    #[test]
    fn a_wrong_name_is_reported_with_what_would_be_right() {
        let long = "a".repeat(256);
        let reported: Vec<String> =
            ["arn:aws:ecs:eu-west-1:123456789012:service/prod/web", "prod/web", "", "web.api", "wéb", &long]
                .iter()
                .map(|name| check("service", name).unwrap_err())
                .collect();
        insta::assert_snapshot!(reported.join("\n"), @r#"
    "arn:aws:ecs:eu-west-1:123456789012:service/prod/web" is an ARN; write the service's name alone, "web"
    "prod/web" is a path; write the service's name alone, "web"
    an empty text is no name of a service; write one such as "web"
    "web.api" is no name of a service: ECS allows letters, digits, - and _ there, and no '.'
    "wéb" is no name of a service: ECS allows letters, digits, - and _ there, and no 'é'
    a service's name has at most 255 characters, and this one has 256
    "#);
    }
}
