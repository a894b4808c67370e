//! Who an agent in a cluster is: its password follows from one key, so that nobody has to hand it out.
//!
//! Ours, upstream has nothing like it. The operator stores the hash in the Local API, the agent computes the same text.

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// Returns the password of the machine `login`: HMAC-SHA256 of its name under `key`, 64 lower-case hexadecimal digits.
///
/// The key is taken as the text it is written as, without white space around it; its length is the caller's concern.
pub fn password(key: &str, login: &str) -> String {
    // HMAC takes keys of any length, so there is no error to tell.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.trim().as_bytes()) else {
        return String::new();
    };
    mac.update(login.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_the_hmac_of_the_name() {
        // RFC 4231, test case 2.
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(password("Jefe", "what do ya want for nothing?"), expected);
        assert_eq!(password("Jefe\n", "what do ya want for nothing?"), expected);
    }

    #[test]
    fn machines_of_one_key_have_different_passwords() {
        assert_ne!(password("key", "ns:lp:node-1"), password("key", "ns:lp:node-2"));
        assert_ne!(password("key", "ns:lp:node-1"), password("yek", "ns:lp:node-1"));
    }
}
