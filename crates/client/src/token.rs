//! The token a login gives, and when to get the next one.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use tokio::time::Instant;

/// A token older than its lifetime less this is replaced before use (upstream: `auth_jwt.go`).
const MARGIN: Duration = Duration::from_mins(1);

/// What upstream gives; assumed when the token does not say.
const USUAL_LIFETIME: Duration = Duration::from_hours(1);

/// A token and the moment it is due for replacement, by the monotonic clock: clocks of two machines may differ.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) value: SecretString,
    replace_at: Instant,
}

impl Token {
    /// Takes a token received at `now`.
    pub(crate) fn new(value: String, now: Instant) -> Self {
        let lifetime = lifetime(&value).unwrap_or(USUAL_LIFETIME);
        Self {
            value: value.into(),
            replace_at: now + lifetime.saturating_sub(MARGIN),
        }
    }

    /// Tells whether more than a minute is left at `now`.
    pub(crate) fn is_fresh(&self, now: Instant) -> bool {
        now < self.replace_at
    }
}

#[derive(serde::Deserialize)]
struct Claims {
    exp: i64,
    orig_iat: i64,
}

fn lifetime(token: &str) -> Option<Duration> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let Claims { exp, orig_iat } = serde_json::from_slice(&payload).ok()?;
    // A token may not keep us from logging in again for longer than a day.
    let seconds = exp.checked_sub(orig_iat)?.clamp(0, 86_400);
    Some(Duration::from_secs(u64::try_from(seconds).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        format!("x.{}.y", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn a_token_is_replaced_one_minute_before_its_end() {
        let now = Instant::now();
        let token = Token::new(token(r#"{"exp":1300,"id":"m","orig_iat":1000}"#), now);
        assert!(token.is_fresh(now + Duration::from_secs(239)));
        assert!(!token.is_fresh(now + Duration::from_mins(4)));
    }

    #[test]
    fn a_token_that_says_nothing_lives_an_hour() {
        let now = Instant::now();
        for text in ["", "a.b.c", &token("{}"), &token("[1]")] {
            let token = Token::new(text.to_owned(), now);
            assert!(token.is_fresh(now + Duration::from_mins(58)), "{text}");
            assert!(!token.is_fresh(now + Duration::from_mins(59)), "{text}");
        }
    }
}
