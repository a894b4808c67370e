//! Traefik's Middleware that asks the Service about each request.

use kube::core::DynamicObject;
use serde_json::json;

use crate::bouncer::validate::Validated;
use crate::cluster::kinds::MIDDLEWARE;
use crate::labels::Component;

/// Returns the Middleware.
///
/// Traefik's entry points drop forwarding headers of strangers before a middleware sees them, so what is left is from
/// the user's own proxies and is passed on; which of its addresses is the client's, forward-auth decides itself.
pub fn build(validated: &Validated) -> DynamicObject {
    let name = validated.name("");
    let mut object = DynamicObject::new(&name, &MIDDLEWARE.resource()).data(json!({
        "spec": {"forwardAuth": {"address": validated.question_url(), "trustForwardHeader": true}},
    }));
    object.metadata = validated.owner.meta(name, Component::ForwardAuth);
    object
}
