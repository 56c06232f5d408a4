//! What a systems programmer would write in an afternoon.
//!
//!     collector PORT BOOTSTRAP TOPIC [LINGER_MS]
//!
//! Reads the query of `GET /p.gif`, honours the opt-out cookie, cuts the address to a /24 (or a
//! /48), writes JSON and answers once Kafka has acknowledged it: 200, or 503. It checks and cleans
//! nothing else and names no browser. One core is given to it, so its runtime has one thread.

use std::{collections::HashMap, net::IpAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use rdkafka::{
    ClientConfig,
    producer::{FutureProducer, FutureRecord},
};
use serde::Serialize;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const GIF: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff\x21\xf9\x04\x01\
\x00\x00\x00\x00\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b";
const LINGER_MS: &str = "5";
const QUEUE_TIMEOUT: Duration = Duration::from_secs(5);

struct Collector {
    producer: FutureProducer,
    topic: String,
}

#[derive(Serialize)]
struct Event<'a> {
    #[serde(flatten)]
    fields: &'a HashMap<String, String>,
    ip: String,
    agent: &'a str,
    language: &'a str,
    referer: &'a str,
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
}

fn opted_out(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .any(|cookie| cookie.trim() == "optout=1")
}

/// The last hop's word, as a proxy of ours wrote it.
fn network(headers: &HeaderMap) -> String {
    let said = headers.get("x-forwarded-for").and_then(|value| value.to_str().ok()).unwrap_or("");
    match said.rsplit(',').next().unwrap_or("").trim().parse() {
        Ok(IpAddr::V4(address)) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0")
        }
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}::")
        }
        Err(_) => String::new(),
    }
}

fn gif(status: StatusCode) -> Response {
    let headers = [(header::CONTENT_TYPE, "image/gif"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, GIF).into_response()
}

async fn ping(
    State(collector): State<Arc<Collector>>,
    Query(fields): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    if opted_out(&headers) {
        return gif(StatusCode::OK);
    }
    let Some(site) = fields.get("s") else {
        return gif(StatusCode::BAD_REQUEST);
    };
    let event = Event {
        fields: &fields,
        ip: network(&headers),
        agent: text(&headers, header::USER_AGENT),
        language: text(&headers, header::ACCEPT_LANGUAGE),
        referer: text(&headers, header::REFERER),
    };
    let payload = serde_json::to_vec(&event).expect("maps of strings are JSON");
    let record = FutureRecord::to(&collector.topic).key(site).payload(&payload);
    match collector.producer.send(record, QUEUE_TIMEOUT).await {
        Ok(_) => gif(StatusCode::OK),
        Err(_) => gif(StatusCode::SERVICE_UNAVAILABLE),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let words: Vec<String> = std::env::args().collect();
    let producer = ClientConfig::new()
        .set("bootstrap.servers", &words[2])
        .set("enable.idempotence", "true")
        .set("compression.type", "lz4")
        .set("linger.ms", words.get(4).map_or(LINGER_MS, String::as_str))
        .set("partitioner", "murmur2_random")
        .create()
        .expect("a producer");
    let collector = Arc::new(Collector { producer, topic: words[3].clone() });
    let app = Router::new().route("/p.gif", get(ping)).with_state(collector);
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{}", words[1]))
        .await
        .expect("the port is free");
    axum::serve(listener, app).await.expect("serves until it is killed");
}
