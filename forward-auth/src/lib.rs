//! A bouncer for ingress controllers: answers 200 or 403 to a sub-request from a decision set in memory.
