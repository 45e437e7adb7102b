//! The family of a target that is rendered from its family: its newest revision that Slipway did not register, and the other
//! services that run revisions of it.

use futures_util::future::{join_all, try_join, try_join3};
use slipway_core::config::Target;
use slipway_core::model::facts::{OtherService, Revision, ServiceFacts};
use slipway_core::model::id::TargetName;
use slipway_core::model::record::{Family, Service};
use slipway_core::rules::base::{self, FamilyFacts, family_to_read};

use crate::cloud::Cloud;
use crate::error::{Error, optional};
use crate::observe::Planner;

impl<C: Cloud> Planner<'_, C> {
    /// What is to be known of the target's family; `None` where it is not rendered from that.
    ///
    /// As a rule that is one round trip: the record remembers the base, and up to where the family was looked through.
    pub(crate) async fn family(
        &self,
        target: &Target,
        service: &ServiceFacts,
        record: &Service,
    ) -> Result<Option<FamilyFacts>, Error> {
        let Some(family) = family_to_read(target, service) else { return Ok(None) };
        let running = self.revision(service.task_definition.as_str());
        let ((base, remembered), running, members) =
            try_join3(self.family_base(service, family, record), running, self.members(family)).await?;
        let other = self.other_service(target, &running, &members).await?;
        Ok(Some(FamilyFacts { base, remembered, other }))
    }

    /// The base, and what is remembered of it.
    async fn family_base(
        &self,
        service: &ServiceFacts,
        family: &str,
        record: &Service,
    ) -> Result<(Option<Revision>, Family), Error> {
        let known = base::remembered(record, family);
        let known_base = async {
            match known.and_then(|known| known.base) {
                Some(number) => self.existing_revision(&format!("{family}:{number}")).await,
                None => Ok(None),
            }
        };
        let (latest, known_base) = try_join(self.existing_revision(family), known_base).await?;
        let Some(latest) = latest else {
            // Every revision was deregistered.
            return Ok((None, Family { name: family.to_owned(), seen: 0, base: None }));
        };
        let known_base = known_base.filter(base::is_active);
        let known = known.filter(|known| known.base.is_none() || known_base.is_some());
        let numbers = base::to_read(known, &latest).into_iter();
        let read = join_all(numbers.map(async |number| self.existing_revision(&format!("{family}:{number}")).await));
        let mut revisions = vec![latest.clone()];
        for revision in read.await {
            // Numbers have gaps where revisions were deleted.
            revisions.extend(revision?);
        }
        revisions.extend(known_base);
        let running = self.revision(service.task_definition.as_str()).await?;
        let base = base::newest(&revisions, &running).cloned();
        let remembered = base::memory(&latest, base.as_ref());
        Ok((base, remembered))
    }

    /// The first of the family's other services that does not run the same, if there is one.
    async fn other_service(
        &self,
        target: &Target,
        running: &Revision,
        members: &[TargetName],
    ) -> Result<Option<OtherService>, Error> {
        let others = members.iter().filter(|it| **it != target.name).filter_map(|it| Some((it, it.place()?)));
        let others: Vec<_> = others.collect();
        if others.is_empty() {
            return Ok(None);
        }
        self.describe_more(others.iter().map(|(_, place)| place.clone()).collect()).await;
        let config = self.call.engine.document.last().await;
        let entries = |name: &TargetName| config.as_ref().map(|config| config.of_name(name)).unwrap_or_default();
        for (name, place) in others {
            // Who may be told nothing of that service, or finds it gone, goes by the others.
            let service = optional(name, self.described(&place).await)?.flatten();
            let of_family =
                |it: &ServiceFacts| it.status == "ACTIVE" && it.task_definition.family() == running.arn.family();
            let Some(service) = service.filter(of_family) else { continue };
            let Some(revision) = self.existing_revision(service.task_definition.as_str()).await? else { continue };
            let entries = [entries(&target.name), entries(name)].concat();
            if let Some(place) = base::differs(running, &revision, &entries, self.call.home) {
                return Ok(Some(OtherService { target: name.clone(), revision: revision.arn, place }));
            }
        }
        Ok(None)
    }
}
