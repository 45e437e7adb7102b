//! The family of a target that is rendered from its family: its newest revision that Slipway did not register, and the other
//! services that run revisions of it.

use futures_util::future::{try_join, try_join_all, try_join3};
use slipway_core::config::Target;
use slipway_core::model::facts::{OtherService, Revision, ServiceFacts};
use slipway_core::model::id::TargetName;
use slipway_core::model::record::{FamilyMember, Service};
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
        let (looked, running, members) =
            try_join3(self.look_through(service, family, record), running, self.members(family)).await?;
        let base = looked.as_ref().and_then(|(_, base)| base.clone());
        let remembered = base::memory(record, &running, looked.as_ref().map(|(latest, base)| (latest, base.as_ref())));
        let other = self.other_service(target, &running, remembered.origin, &members).await?;
        Ok(Some(FamilyFacts { base, remembered, other }))
    }

    /// The latest revision of the family and its base; `None` where every revision was deregistered.
    async fn look_through(
        &self,
        service: &ServiceFacts,
        family: &str,
        record: &Service,
    ) -> Result<Option<(Revision, Option<Revision>)>, Error> {
        let known = base::remembered(record, family);
        let known_base = async {
            match known.and_then(|known| known.base) {
                Some(number) => self.numbered(family, number).await,
                None => Ok(None),
            }
        };
        let (latest, known_base) = try_join(self.existing_revision(family), known_base).await?;
        let Some(latest) = latest else { return Ok(None) };
        let known_base = known_base.filter(base::is_active);
        let known = known.filter(|known| known.base.is_none() || known_base.is_some());
        let numbers = base::to_read(known, &latest).into_iter();
        let read = try_join_all(numbers.map(|number| self.numbered(family, number))).await?;
        // Numbers have gaps where revisions were deleted.
        let read: Vec<Revision> = [Some(latest.clone())].into_iter().chain(read).flatten().collect();
        let running = self.revision(service.task_definition.as_str()).await?;
        // What was found to be somebody else's before is not looked at again.
        let base = base::newest(&read, &running).cloned().or(known_base);
        Ok(Some((latest, base)))
    }

    async fn numbered(&self, family: &str, number: u64) -> Result<Option<Revision>, Error> {
        self.existing_revision(&format!("{family}:{number}")).await
    }

    /// The first of the family's other services to which somebody gave something else than to this one, whose origin this is.
    async fn other_service(
        &self,
        target: &Target,
        running: &Revision,
        origin: Option<u64>,
        members: &[FamilyMember],
    ) -> Result<Option<OtherService>, Error> {
        let others = members.iter().filter(|it| it.target != target.name);
        let others: Vec<_> = others.filter_map(|it| Some((it, it.target.place()?))).collect();
        let Some(origin) = origin.filter(|_| !others.is_empty()) else { return Ok(None) };
        let family = running.arn.family();
        self.describe_more(others.iter().map(|(_, place)| place.clone()).collect()).await;
        let config = self.call.engine.document.last().await;
        let entries = |name: &TargetName| config.as_ref().map(|config| config.of_name(name)).unwrap_or_default();
        for (FamilyMember { target: name, origin: known }, (cluster, service)) in others {
            // Who may be told nothing of that service, or finds it gone, goes by the others.
            let service = optional(name, self.service_at(&cluster, &service).await)?.flatten();
            let of_family = |it: &ServiceFacts| it.status == "ACTIVE" && it.task_definition.family() == family;
            let Some(service) = service.filter(of_family) else { continue };
            let Some(runs) = self.existing_revision(service.task_definition.as_str()).await? else { continue };
            let Some(given) = base::origin(&runs, *known).filter(|given| *given != origin) else { continue };
            let (own, its) = try_join(self.numbered(family, origin), self.numbered(family, given)).await?;
            let Some((own, its)) = own.zip(its) else { continue };
            let entries = [entries(&target.name), entries(name)].concat();
            if let Some(place) = base::differs(&own, &its, &entries, self.call.home) {
                return Ok(Some(OtherService { target: name.clone(), revision: its.arn, place }));
            }
        }
        Ok(None)
    }
}
