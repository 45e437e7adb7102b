//! The session with AWS: whose credentials, which region, which stack.
//!
//! The HTTPS client is the functions' own, and what the functions ask of AWS the command asks through the same code.

use std::error::Error;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use slipway_aws::https;

use crate::options::Options;
use crate::problem::{Problem, words};
use crate::seen::Place;

/// A session with AWS.
#[derive(Debug)]
pub(crate) struct Session {
    /// The settings for the SDK's clients.
    pub(crate) settings: SdkConfig,
    /// Where Slipway is installed, as far as the options say.
    pub(crate) place: Place,
}

impl Session {
    /// Finds the region, and where credentials may come from. No call is made.
    pub(crate) async fn open(options: &Options) -> Result<Self, Problem> {
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(https::client());
        if let Some(profile) = &options.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = &options.region {
            loader = loader.region(Region::new(region.clone()));
        }
        let settings = loader.load().await;
        let region = settings.region().map(ToString::to_string).filter(|region| !region.is_empty());
        let region = region.ok_or_else(|| {
            Problem::usage("no AWS region is set").fix("Give --region, or set AWS_REGION, or a region in the profile.")
        })?;
        let place = Place { stack: options.stack.clone(), region, profile: options.profile.clone() };
        Ok(Self { settings, place })
    }

    /// The ARN of whoever calls, by STS; it needs no permission.
    pub(crate) async fn caller(&self) -> Result<String, Problem> {
        let answer = aws_sdk_sts::Client::new(&self.settings).get_caller_identity().send().await;
        let answer = answer.map_err(|error| {
            let said = || Problem::unavailable(format!("AWS does not say who you are: {}", words(&error)));
            self.no_credentials(&error).unwrap_or_else(said)
        })?;
        Ok(answer.arn.unwrap_or_default())
    }

    /// `in eu-west-1`, and by which profile, where one is named.
    pub(crate) fn shown(&self) -> String {
        let by = self.place.profile.as_ref().map(|profile| format!(" with the profile {profile}"));
        format!("in {}{}", self.place.region, by.unwrap_or_default())
    }

    /// What to say where a call failed because there are no credentials.
    pub(crate) fn no_credentials(&self, error: &(dyn Error + 'static)) -> Option<Problem> {
        let mut causes = std::iter::successors(Some(error), |error: &&(dyn Error + 'static)| (*error).source());
        let missing = causes.find(|error| error.is::<CredentialsError>())?;
        // Of the places that were looked into, those that have nothing say nothing.
        let words = words(missing);
        let lines: Vec<&str> = words.lines().map(str::trim).filter(|line| !line.contains("was not enabled")).collect();
        let why = if lines.is_empty() { String::new() } else { format!(": {}", lines.join("; ")) };
        let profile = self.place.profile.as_deref().map(|it| format!(" --profile {it}")).unwrap_or_default();
        Some(
            Problem::unavailable(format!("no AWS credentials were found{why}"))
                .fix(format!("Log in with `aws login{profile}` or `aws sso login{profile}`, or give --profile."))
                .fix("In a build, take the role first: in GitHub Actions with aws-actions/configure-aws-credentials."),
        )
    }
}
