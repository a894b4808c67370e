//! The operator: resources of the `crowdsec-operator.dev` group become a running, policed, observed installation.
