//! The records of the outbox file: framed, checked by CRC, read up to the first that is damaged.
//!
//! A file is the magic, then records: length (u32 LE) of what follows the CRC, CRC-32 (u32 LE) of it, then the length
//! (u32 LE) of a JSON header, the header, and the alerts' JSON one after another.

use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::checkpoint::Position;

/// First bytes of the file, with the format's version.
pub const MAGIC: &[u8; 8] = b"CSOUTB1\n";

/// A longer record cannot be ours.
const RECORD_LIMIT: u32 = 256 << 20;

/// What one record says; either a group of alerts or a list of alerts that are done with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Header {
    /// Number of the group, ascending; 0 in a list of finished alerts.
    #[serde(skip_serializing_if = "is_zero")]
    pub group: u64,
    /// How far the lines are done whose alerts these are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut: Option<Cut>,
    /// The alerts that follow the header.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<Entry>,
    /// Identities of alerts of this group that are done with (written when the file is compacted).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub identities: Vec<String>,
    /// Numbers of alerts that are done with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub done: Vec<u64>,
}

/// Files whose lines are done up to an offset, at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// When the last of the lines was handled.
    pub at: Timestamp,
    /// Files that moved since the last cut.
    pub positions: Vec<Position>,
}

/// One alert of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Entry {
    /// Its number, ascending.
    pub id: u64,
    /// Content key, hex SHA-256.
    pub key: String,
    /// What the same overflow has in common with itself when it is computed again after a crash.
    pub identity: String,
    /// Whether it asks for a remediation; such alerts are dropped last.
    pub remediation: bool,
    /// Bytes of its JSON.
    pub len: u32,
}

/// A record as it was read, with where its alerts begin in the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The header.
    pub header: Header,
    /// Offset of the first alert's JSON.
    pub bodies_at: u64,
}

/// Makes the bytes of a record.
pub fn encode(header: &Header, bodies: &[&[u8]]) -> io::Result<(Vec<u8>, u64)> {
    let header = serde_json::to_vec(header)?;
    let total = 4 + header.len() + bodies.iter().map(|body| body.len()).sum::<usize>();
    let too_long = || io::Error::new(io::ErrorKind::InvalidInput, "record is too long");
    let length = u32::try_from(total)
        .ok()
        .filter(|n| *n <= RECORD_LIMIT)
        .ok_or_else(too_long)?;
    let header_length = u32::try_from(header.len()).ok().ok_or_else(too_long)?;
    let mut out = Vec::with_capacity(total + 8);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&header_length.to_le_bytes());
    out.extend_from_slice(&header);
    let bodies_at = out.len() as u64;
    for body in bodies {
        out.extend_from_slice(body);
    }
    let crc = crc32fast::hash(out.get(8..).unwrap_or_default());
    if let Some(place) = out.get_mut(4..8) {
        place.copy_from_slice(&crc.to_le_bytes());
    }
    Ok((out, bodies_at))
}

/// Reads a file from its start. Returns the records before the first damage and the length of what is good.
pub fn scan(file: &mut File) -> io::Result<(Vec<Record>, u64)> {
    file.seek(SeekFrom::Start(0))?;
    let mut reader = BufReader::new(file);
    let mut magic = [0; MAGIC.len()];
    if !fill(&mut reader, &mut magic)? || magic != *MAGIC {
        return Ok((Vec::new(), 0));
    }
    let mut good = MAGIC.len() as u64;
    let mut records = Vec::new();
    loop {
        let mut frame = [0; 8];
        if !fill(&mut reader, &mut frame)? {
            break;
        }
        let [l0, l1, l2, l3, c0, c1, c2, c3] = frame;
        let length = u32::from_le_bytes([l0, l1, l2, l3]);
        if !(4..=RECORD_LIMIT).contains(&length) {
            break;
        }
        // Grows with what is there, so that a damaged length costs no memory.
        let mut payload = Vec::new();
        reader
            .by_ref()
            .take(u64::from(length))
            .read_to_end(&mut payload)?;
        let is_whole = payload.len() == length as usize;
        if !is_whole || crc32fast::hash(&payload) != u32::from_le_bytes([c0, c1, c2, c3]) {
            break;
        }
        let Some(header) = header_of(&payload) else { break };
        let Some(bodies_at) = bodies_at(&payload, &header) else {
            break;
        };
        records.push(Record {
            header,
            bodies_at: good + 8 + bodies_at,
        });
        good += 8 + u64::from(length);
    }
    Ok((records, good))
}

fn header_of(payload: &[u8]) -> Option<Header> {
    let (length, rest) = payload.split_first_chunk::<4>()?;
    let header = rest.get(..u32::from_le_bytes(*length) as usize)?;
    serde_json::from_slice(header).ok()
}

fn bodies_at(payload: &[u8], header: &Header) -> Option<u64> {
    let bodies: u64 = header.alerts.iter().map(|entry| u64::from(entry.len)).sum();
    (payload.len() as u64).checked_sub(bodies)
}

fn fill(reader: &mut impl io::Read, buffer: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn header(id: u64, body: &[u8]) -> Header {
        let len = u32::try_from(body.len()).unwrap();
        Header {
            group: id,
            alerts: vec![Entry {
                id,
                key: format!("k{id}"),
                len,
                ..Entry::default()
            }],
            ..Header::default()
        }
    }

    fn written(count: u64) -> (Vec<u8>, Vec<usize>) {
        let mut bytes = MAGIC.to_vec();
        let mut ends = Vec::new();
        for id in 1..=count {
            let body = vec![b'x'; usize::try_from(id).unwrap() % 50];
            bytes.extend(encode(&header(id, &body), &[&body]).unwrap().0);
            ends.push(bytes.len());
        }
        (bytes, ends)
    }

    fn scanned(bytes: &[u8]) -> (Vec<u64>, u64) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        let (records, good) = scan(&mut file).unwrap();
        (records.iter().map(|record| record.header.group).collect(), good)
    }

    #[test]
    fn what_was_written_is_read() {
        let (bytes, _) = written(20);
        assert_eq!(scanned(&bytes), ((1..=20).collect(), bytes.len() as u64));
        assert_eq!(scanned(b""), (vec![], 0));
        assert_eq!(scanned(b"something else"), (vec![], 0));
    }

    #[test]
    fn a_file_that_ends_early_gives_its_whole_records() {
        let (bytes, ends) = written(5);
        for cut in MAGIC.len()..bytes.len() {
            let whole = ends.iter().filter(|end| **end <= cut).count();
            let (groups, good) = scanned(&bytes[..cut]);
            assert_eq!(groups.len(), whole, "cut at {cut}");
            assert!(good <= cut as u64);
        }
    }

    #[test]
    fn any_flipped_byte_costs_nothing_that_stands_before_it() {
        let (bytes, ends) = written(12);
        for at in MAGIC.len()..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (at % 8);
            let before = ends.iter().filter(|end| **end <= at).count() as u64;
            let (groups, _) = scanned(&damaged);
            assert_eq!(groups, (1..=before).collect::<Vec<u64>>(), "flipped at {at}");
        }
    }
}
