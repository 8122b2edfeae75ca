//! How a stand-in for S3 is set up.

use std::net::{IpAddr, Ipv4Addr};

use crate::s3::faults::S3Faults;

/// How a stand-in for S3 is set up.
#[derive(Clone, Debug)]
pub struct S3Options {
    /// The address to listen on. Everybody who reaches it can read and change the objects.
    pub host: IpAddr,
    /// The port. 0 takes a free one.
    pub port: u16,
    /// The buckets that are there. Any other one is `NoSuchBucket`, until it is created.
    pub buckets: Vec<String>,
    /// Buckets that belong to others: every request is denied.
    pub forbidden: Vec<String>,
    /// Whether the buckets keep the versions of an object.
    pub versions: bool,
    /// Whether the buckets tell `EventBridge` of their events.
    pub tells_event_bridge: bool,
    /// The most entries of one page of a listing: S3's 1,000, or fewer to see that pages are read.
    pub page_entries: usize,
    /// What goes wrong, and how often.
    pub faults: S3Faults,
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>
pub(crate) const MAX_PAGE_ENTRIES: usize = 1_000;

impl Default for S3Options {
    fn default() -> Self {
        Self {
            host: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            buckets: vec!["bucket".to_owned()],
            forbidden: Vec::new(),
            versions: false,
            tells_event_bridge: false,
            page_entries: MAX_PAGE_ENTRIES,
            faults: S3Faults::default(),
        }
    }
}
