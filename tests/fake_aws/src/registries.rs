//! The registries: the one beside the services, and those of other accounts and regions, each of its own. The same name
//! in two of them is two repositories.

use slipway_core::model::facts::RanImage;
use slipway_core::model::image::{Registry, Repository};

use crate::ecr::{Ecr, no_repository};
use crate::place::Place;
use crate::refusal::Refusal;

/// Every registry, each with where it is; the first is the one beside the services.
#[derive(Debug)]
pub(crate) struct Registries {
    home: (Place, Ecr),
    elsewhere: Vec<(Place, Ecr)>,
}

impl Registries {
    pub(crate) fn beside(place: &Place) -> Self {
        Self { home: (place.clone(), Ecr::default()), elsewhere: Vec::new() }
    }

    /// The digest that ECS resolves a tagged image to, if it is in one of these registries: none where the tag is not there.
    pub(crate) fn resolve(&self, image: &str) -> Option<Option<&str>> {
        let (ecr, path) = self.of_image(image)?;
        let (repository, tag) = path.split_once(':').unwrap_or((path, "latest"));
        Some(ecr.resolve(repository, tag))
    }

    /// Whether a task can pull what a container runs. Whatever is in no registry here always can be.
    pub(crate) fn can_be_pulled(&self, ran: &RanImage) -> bool {
        self.of_image(&ran.image).is_none_or(|(ecr, path)| {
            let name = path.split(['@', ':']).next().unwrap_or_default();
            ran.digest.as_ref().is_some_and(|digest| ecr.has(name, digest))
        })
    }

    /// The registry of an image, and its path there. One elsewhere to which nobody pushed is somebody else's.
    fn of_image<'i>(&self, image: &'i str) -> Option<(&Ecr, &'i str)> {
        let known = self.all().filter(|(place, ecr)| **place == self.home.0 || !ecr.is_empty());
        let mut found =
            known.filter_map(|(place, ecr)| Some((ecr, image.strip_prefix(&place.registry())?.strip_prefix('/')?)));
        found.next()
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (&Place, &Ecr)> {
        std::iter::once(&self.home).chain(&self.elsewhere).map(|(place, ecr)| (place, ecr))
    }

    /// The registry there, empty where nobody pushed to it before.
    pub(crate) fn at(&mut self, place: &Place) -> &mut Ecr {
        if self.home.0 == *place {
            return &mut self.home.1;
        }
        let known = self.elsewhere.iter().position(|(of, _)| of == place);
        let known = known.unwrap_or_else(|| {
            self.elsewhere.push((place.clone(), Ecr::default()));
            self.elsewhere.len() - 1
        });
        &mut self.elsewhere[known].1
    }

    /// The registry of a repository; refused where nobody ever pushed to it.
    pub(crate) fn of(&self, repository: &Repository) -> Result<(&Place, &Ecr), Refusal> {
        let is = |place: &Place| {
            matches!(&repository.registry, Registry::Ecr { account, region }
                if account.as_str() == place.account && region.as_str() == place.region)
        };
        let found = self.all().find(|(place, _)| is(place));
        found.ok_or_else(|| no_repository(&self.home.0, &repository.name))
    }
}
