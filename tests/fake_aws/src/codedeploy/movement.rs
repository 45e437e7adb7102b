//! Deployments that move by themselves: one step at a time, by the clock, by what becomes of the images, and by chance.
//!
//! A test that moves a deployment by hand calls the same functions in another order (`acts`).

#[cfg(test)]
mod tests;

use super::lifecycle::{Pace, Phase};
use super::{CodeDeploy, Context};

impl CodeDeploy {
    /// Moves every open deployment one step. The events of it are in the context.
    pub(crate) fn step(&mut self, context: &mut Context<'_, '_>) {
        // One that a step brings about moves with the next.
        for place in 0..self.deployments.len() {
            let deployment = &mut self.deployments[place];
            if !deployment.is_open() {
                continue;
            }
            if deployment.stop.is_some() {
                let serves = deployment.phase == Phase::AwaitsTermination;
                // Seen now and then.
                deployment.denies_its_stop |= serves && context.around.chance.u8(0..8) == 0;
                self.carry_out_stop(context, place);
            } else if context.around.chance.u8(0..4) > 0 {
                self.go_on(context, place, Pace::ByClock);
            }
        }
    }

    /// Whether any deployment is open.
    pub(crate) fn is_moving(&self) -> bool {
        self.deployments.iter().any(super::deployments::Deployment::is_open)
    }
}
