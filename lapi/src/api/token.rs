//! Machine tokens: JWT signed with HS256, as upstream's middleware makes and refuses them: `middlewares/v1/jwt.go`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// Life of a token, and how long after its login it can be renewed.
const LIFE: SignedDuration = SignedDuration::from_hours(1);

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// End, Unix seconds.
    pub exp: i64,
    /// Machine.
    pub id: String,
    /// Login, Unix seconds.
    pub orig_iat: i64,
}

/// Says why a token is refused, in upstream's words.
#[expect(missing_docs, reason = "each variant's message says it")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("cookie token is empty")]
    Missing,
    #[error("token contains an invalid number of segments")]
    Segments,
    #[error("illegal base64 data")]
    Encoding,
    #[error("invalid signing algorithm")]
    Algorithm,
    #[error("signature is invalid")]
    Signature,
    #[error("Token is expired")]
    Expired,
    #[error("token is expired")]
    TooOldToRefresh,
    #[error("missing exp field")]
    NoEnd,
}

impl TokenError {
    /// Returns the status of the refusal.
    pub fn status(self) -> StatusCode {
        if self == Self::NoEnd {
            StatusCode::BAD_REQUEST
        } else {
            StatusCode::UNAUTHORIZED
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    typ: String,
}

#[derive(Deserialize)]
struct RawClaims {
    exp: Option<f64>,
    #[serde(default)]
    id: String,
    #[serde(default)]
    orig_iat: f64,
}

/// Makes and checks tokens with one secret.
pub(crate) struct Tokens {
    secret: Vec<u8>,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens([redacted])")
    }
}

impl Tokens {
    pub(crate) fn new(secret: Vec<u8>) -> Self {
        Self { secret }
    }

    /// Makes a token; returns it with its end.
    pub(crate) fn make(&self, machine: &str, now: Timestamp) -> (String, Timestamp) {
        let end = now.checked_add(LIFE).unwrap_or(Timestamp::MAX);
        let header = Header {
            alg: "HS256".to_owned(),
            typ: "JWT".to_owned(),
        };
        let claims = Claims {
            exp: end.as_second(),
            id: machine.to_owned(),
            orig_iat: now.as_second(),
        };
        let part = |json: serde_json::Result<Vec<u8>>| URL_SAFE_NO_PAD.encode(json.unwrap_or_default());
        let text = format!(
            "{}.{}",
            part(serde_json::to_vec(&header)),
            part(serde_json::to_vec(&claims))
        );
        let signature = self
            .mac(&text)
            .map(|mac| mac.finalize().into_bytes().to_vec())
            .unwrap_or_default();
        (format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)), end)
    }

    /// Checks a token and its end.
    pub(crate) fn check(&self, token: Option<&str>, now: Timestamp) -> Result<Claims, TokenError> {
        let claims = self.open(token)?;
        if claims.exp < now.as_second() {
            Err(TokenError::Expired)
        } else {
            Ok(claims)
        }
    }

    /// Checks a token that may have ended, but whose login is young enough.
    pub(crate) fn check_refresh(&self, token: Option<&str>, now: Timestamp) -> Result<Claims, TokenError> {
        let claims = self.open(token)?;
        let youngest = now.as_second() - LIFE.as_secs();
        if claims.orig_iat < youngest {
            Err(TokenError::TooOldToRefresh)
        } else {
            Ok(claims)
        }
    }

    fn open(&self, token: Option<&str>) -> Result<Claims, TokenError> {
        let token = token
            .filter(|token| !token.is_empty())
            .ok_or(TokenError::Missing)?;
        let parts: Vec<&str> = token.split('.').collect();
        let [header, claims, signature] = parts.as_slice() else {
            return Err(TokenError::Segments);
        };
        let decode = |part: &str| {
            URL_SAFE_NO_PAD
                .decode(part)
                .map_err(|_base64| TokenError::Encoding)
        };
        let header_json: Header =
            serde_json::from_slice(&decode(header)?).map_err(|_json| TokenError::Encoding)?;
        if header_json.alg != "HS256" {
            return Err(TokenError::Algorithm);
        }
        let mac = self
            .mac(&format!("{header}.{claims}"))
            .ok_or(TokenError::Signature)?;
        // Compares in constant time.
        mac.verify_slice(&decode(signature)?)
            .map_err(|_mismatch| TokenError::Signature)?;
        let raw: RawClaims =
            serde_json::from_slice(&decode(claims)?).map_err(|_json| TokenError::Encoding)?;
        #[expect(clippy::cast_possible_truncation, reason = "Unix seconds")]
        let seconds = |number: f64| number as i64;
        let exp = raw.exp.ok_or(TokenError::NoEnd)?;
        Ok(Claims {
            exp: seconds(exp),
            id: raw.id,
            orig_iat: seconds(raw.orig_iat),
        })
    }

    fn mac(&self, text: &str) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret).ok()?;
        mac.update(text.as_bytes());
        Some(mac)
    }
}

/// Finds the token of a request: `Authorization: Bearer`, else cookie `jwt`.
pub(crate) fn of_request(authorization: &str, cookies: &str) -> Option<String> {
    if !authorization.is_empty() {
        return authorization.strip_prefix("Bearer ").map(ToOwned::to_owned);
    }
    cookies
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == "jwt")
        .map(|(_, value)| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_those_of_upstream() {
        let tokens = Tokens::new(vec![7; 64]);
        let now: Timestamp = "2026-11-22T15:00:00Z".parse().unwrap();
        let later = |minutes| now + SignedDuration::from_mins(minutes);
        let (token, end) = tokens.make("m1", now);
        assert_eq!(end, later(60));
        assert_eq!(tokens.check(Some(&token), later(59)).unwrap().id, "m1");
        assert_eq!(tokens.check(Some(&token), later(61)), Err(TokenError::Expired));
        assert_eq!(tokens.check_refresh(Some(&token), later(60)).unwrap().id, "m1");
        assert_eq!(
            tokens.check_refresh(Some(&token), later(61)),
            Err(TokenError::TooOldToRefresh)
        );
        assert_eq!(tokens.check(Some("garbage"), now), Err(TokenError::Segments));
        assert_eq!(
            Tokens::new(vec![8; 64]).check(Some(&token), now),
            Err(TokenError::Signature)
        );
        assert_eq!(tokens.check(None, now), Err(TokenError::Missing));
        let none = format!("{}.e30.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#));
        assert_eq!(tokens.check(Some(&none), now), Err(TokenError::Algorithm));
        assert!(token.starts_with("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."));
    }

    #[test]
    fn the_token_is_found_in_header_or_cookie() {
        assert_eq!(of_request("Bearer x", ""), Some("x".to_owned()));
        assert_eq!(of_request("", "a=b; jwt=y"), Some("y".to_owned()));
        assert_eq!(of_request("Basic x", "jwt=y"), None);
    }
}
