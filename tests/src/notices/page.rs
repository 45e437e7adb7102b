//! The page: one HTML document that needs nothing but itself, no script and no network.

use serde_json::Value;
use slipway_core::model::notice::{Notice, NoticeKind};
use slipway_core::rules::message_state::{Main, Reply};

use super::fixtures::Scenario;
use super::formats::{self, Formats};
use super::html::escape;
use super::{block_kit, mrkdwn};

const STYLE: &str = include_str!("page.css");

/// A page that was drawn.
pub struct Page {
    /// The document.
    pub html: String,
    /// How many notices it shows.
    pub notices: usize,
    /// In how many formats altogether.
    pub formats: usize,
}

/// Draws every notice in every format; the error names what could not be drawn.
pub fn whole(scenarios: &[Scenario]) -> Result<Page, String> {
    let (mut body, mut notices, mut count) = (String::new(), 0, 0);
    for scenario in scenarios {
        body.push_str(&format!("<section id=\"{}\"><h2>{}</h2>", scenario.name, escape(scenario.title)));
        for (at, (notice, formats)) in scenario.notices.iter().zip(formats::of_scenario(&scenario.notices)?).enumerate()
        {
            let name = scenario.name_of(at);
            body.push_str(&shown(notice, &formats, &name).map_err(|why| format!("{name}: {why}"))?);
            notices += 1;
            count += formats.count();
        }
        body.push_str("</section>\n");
    }
    let summary = format!("{notices} notices in {count} formats, made from the fixtures by Slipway's own code.");
    let head = format!("<header><h1>Slipway’s notices</h1><p>{summary}</p>{}</header>", contents(scenarios));
    Ok(Page { html: document("Slipway's notices", &format!("{head}<main>{body}</main>")), notices, formats: count })
}

/// Draws one notice's message in Slack and nothing else, for a picture.
pub fn only(scenarios: &[Scenario], name: &str) -> Result<Page, String> {
    for scenario in scenarios {
        for (at, notice) in scenario.notices.iter().enumerate() {
            if scenario.name_of(at) == name {
                let message = message(&block_kit::message(&slipway_slack::message(notice))?, notice, "");
                let html = document(name, &format!("<div class=\"slack light alone\">{message}</div>"));
                return Ok(Page { html, notices: 1, formats: 1 });
            }
        }
    }
    let known = scenarios.iter().flat_map(|scenario| (0..scenario.notices.len()).map(|at| scenario.name_of(at)));
    Err(format!("there is no notice {name:?}; there are {}", known.collect::<Vec<_>>().join(", ")))
}

fn document(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{}</title><style>\n{STYLE}</style></head>\n<body>{body}</body></html>\n",
        escape(title)
    )
}

/// A line for each kind, with the scenarios that have it.
fn contents(scenarios: &[Scenario]) -> String {
    let mut rows = String::new();
    for kind in NoticeKind::known().chain([NoticeKind::Unknown]) {
        let mut links = Vec::new();
        for scenario in scenarios {
            let at = scenario.notices.iter().position(|notice| notice.kind == kind);
            links.extend(at.map(|at| format!("<a href=\"#{}\">{}</a>", scenario.name_of(at), escape(scenario.title))));
        }
        rows.push_str(&format!("<dt><code>{}</code></dt><dd>{}</dd>", kind.as_str(), links.join(" · ")));
    }
    format!("<dl>{rows}</dl>")
}

fn shown(notice: &Notice, formats: &Formats, name: &str) -> Result<String, String> {
    let slack = slack(notice, formats)?;
    let webhook = match &formats.webhook {
        Some(body) => message(&block_kit::message(body)?, notice, ""),
        None => "<p class=\"nothing\">Nothing is posted.</p>".to_owned(),
    };
    let pieces = [
        framed("Slack, by a bot", &format!("<div class=\"slack light\">{slack}</div>")),
        framed("Slack, dark", &format!("<div class=\"slack dark\">{slack}</div>")),
        framed("E-mail", &email(formats)),
        framed("Slack, by a webhook", &format!("<div class=\"slack light\">{webhook}</div>")),
        framed("Amazon Q", &format!("<div class=\"slack light\">{}</div>", card(&formats.custom)?)),
        format!("{}{}", framed("SMS", &format!("<p class=\"sms\">{}</p>", escape(&formats.sms))), structured(formats)),
    ];
    let severity = notice.severity.as_str();
    Ok(format!(
        "<article id=\"{name}\"><h3><a href=\"#{name}\"><code>{}</code></a> <span class=\"{severity}\">{severity}</span></h3>\
         <div class=\"formats\">{}</div></article>\n",
        notice.kind.as_str(),
        pieces.map(|piece| format!("<div>{piece}</div>")).concat(),
    ))
}

fn framed(title: &str, html: &str) -> String {
    format!("<figure><figcaption>{title}</figcaption>{html}</figure>")
}

/// The channel after the notice: the message, and what it adds to its thread.
fn slack(notice: &Notice, formats: &Formats) -> Result<String, String> {
    let mut html = String::new();
    if let Some((main, body)) = &formats.message {
        let edited = if *main == Main::Edit { "<span class=\"edited\">(edited)</span>" } else { "" };
        html.push_str(&message(&block_kit::message(body)?, notice, edited));
    }
    if let Some((reply, body)) = &formats.reply {
        let where_to = match reply {
            Reply::Thread => "In its thread",
            Reply::Broadcast => "In its thread, and in the channel: “replied to a thread”",
        };
        let reply = message(&block_kit::message(body)?, notice, "");
        html.push_str(&format!("<div class=\"thread\"><p>{where_to}</p>{reply}</div>"));
    }
    if html.is_empty() {
        html.push_str("<p class=\"nothing\">Nothing is posted.</p>");
    }
    Ok(html)
}

fn message(html: &str, notice: &Notice, edited: &str) -> String {
    format!(
        "<div class=\"message\"><div class=\"avatar\">S</div><div class=\"body\"><div class=\"by\"><b>Slipway</b>\
         <span class=\"app\">APP</span><time>{}</time></div>{html}{edited}</div></div>",
        notice.at.strftime("%H:%M")
    )
}

fn email(formats: &Formats) -> String {
    format!(
        "<div class=\"email\"><p><b>{}</b><br>AWS Notifications &lt;no-reply@sns.amazonaws.com&gt;</p><pre>{}</pre></div>",
        escape(&formats.subject),
        escape(&formats.email)
    )
}

/// The custom notification as a card: title, description, next steps, keywords. What else it holds is not shown in a chat.
fn card(custom: &Value) -> Result<String, String> {
    let content = &custom["content"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let texts = |value: &Value| value.as_array().into_iter().flatten().map(text).collect::<Vec<_>>();
    let mut html = format!("<div class=\"section\"><b>{}</b></div>", escape(&text(&content["title"])));
    html.push_str(&format!("<div class=\"section\">{}</div>", mrkdwn::html(&text(&content["description"]))?));
    let steps: Vec<String> = texts(&content["nextSteps"]).iter().map(|it| format!("<li>{}</li>", escape(it))).collect();
    if !steps.is_empty() {
        html.push_str(&format!("<div class=\"section\"><b>Next steps</b><ul>{}</ul></div>", steps.concat()));
    }
    let keywords: Vec<String> =
        texts(&content["keywords"]).iter().map(|it| format!("<code>{}</code>", escape(it))).collect();
    html.push_str(&format!("<div class=\"context\">{}</div>", keywords.join(" ")));
    Ok(format!(
        "<div class=\"message\"><div class=\"avatar q\">Q</div><div class=\"body\"><div class=\"by\"><b>Amazon Q</b>\
         <span class=\"app\">APP</span></div>{html}</div></div>"
    ))
}

fn structured(formats: &Formats) -> String {
    let fold = |title: &str, value: &Value| {
        format!("<details><summary>{title}</summary><pre>{}</pre></details>", escape(&format!("{value:#}")))
    };
    fold("The structured notice, for queues and functions", &formats.structured)
        + &fold("Amazon Q’s custom notification", &formats.custom)
}
