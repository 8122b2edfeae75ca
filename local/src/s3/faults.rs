//! Faults of the stand-in for S3: drawn from a seed, or told by a test.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// How often each fault happens. A rate is a probability from 0 to 1.
///
/// The faults of a request follow from the seed and the number of the request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct S3Faults {
    /// The seed of all draws.
    pub seed: u64,
    /// Of the requests: `503 SlowDown`, without an effect.
    pub unavailable: f64,
    /// Of the requests: done, and answered with `500 InternalError`.
    pub lost: f64,
    /// Of the conditional puts: `409 ConditionalRequestConflict`, without an effect.
    pub conflict: f64,
}

/// A request, as a test sees it that decides about a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Call {
    /// `GET`, `HEAD`, `PUT`, `COPY`, `DELETE`, `LIST` for a listing, or `NOTIFICATIONS` for whom a
    /// bucket tells.
    pub method: &'static str,
    /// The bucket.
    pub bucket: String,
    /// The key, or the prefix of a listing.
    pub key: String,
}

/// What goes wrong with one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum S3Fault {
    /// `503 SlowDown`, without an effect.
    Unavailable,
    /// It is done, and the answer says that the service failed.
    LostAnswer,
    /// `409 ConditionalRequestConflict`, without an effect: another put is under way.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>
    PutUnderWay,
    /// `403 AccessDenied`.
    Denied,
    /// `403 AccessDenied`, because the right to the object's KMS key is missing.
    KeyDenied,
    /// `301 PermanentRedirect`: the bucket is in another Region.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html>
    OtherRegion,
    /// Nothing is done, and no answer comes.
    Silent,
    /// It is done, and no answer comes.
    DoneAndSilent,
}

impl S3Faults {
    /// The fault of the request with this number.
    pub(crate) fn draw(&self, number: u64, is_conditional_put: bool) -> Option<S3Fault> {
        if self.unavailable <= 0.0 && self.lost <= 0.0 && self.conflict <= 0.0 {
            return None;
        }
        // The factor is odd, so each request has a different seed.
        let seed = self.seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut random = StdRng::seed_from_u64(seed);
        let mut happens = |rate: f64| random.random::<f64>() < rate;
        let (unavailable, lost) = (happens(self.unavailable), happens(self.lost));
        let conflict = happens(self.conflict) && is_conditional_put;
        match (unavailable, conflict, lost) {
            (true, _, _) => Some(S3Fault::Unavailable),
            (_, true, _) => Some(S3Fault::PutUnderWay),
            (_, _, true) => Some(S3Fault::LostAnswer),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_faults_and_only_conditional_puts_conflict() {
        let faults = S3Faults {
            seed: 3,
            unavailable: 0.1,
            lost: 0.1,
            conflict: 0.5,
        };
        let draw = |is_put| -> Vec<_> { (0..1_000).map(|n| faults.draw(n, is_put)).collect() };
        assert_eq!(draw(true), draw(true));
        let count = |drawn: &[_], fault| drawn.iter().filter(|drawn| **drawn == fault).count();
        let drawn = draw(false);
        assert_eq!(count(&drawn, Some(S3Fault::PutUnderWay)), 0);
        assert!((50..150).contains(&count(&drawn, Some(S3Fault::Unavailable))));
        assert!((400..500).contains(&count(&draw(true), Some(S3Fault::PutUnderWay))));
        assert_eq!(S3Faults::default().draw(1, true), None);
    }
}
