//! Which pods run on this node and what they are labelled; the agent asks, only metadata is watched.
