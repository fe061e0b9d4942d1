//! A function in Rust, by AWS's own client.

use lambda_runtime::{run, service_fn, Error, LambdaEvent};
use serde_json::{json, Value};
use std::sync::atomic::{AtomicUsize, Ordering};

static COUNT: AtomicUsize = AtomicUsize::new(0);

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let count = COUNT.fetch_add(1, Ordering::Relaxed) + 1;
    match event.payload["do"].as_str() {
        Some("fail") => return Err("not that one".into()),
        Some("say") => println!("said {}", event.payload["value"].as_str().unwrap_or_default()),
        Some("leave") => std::process::exit(3),
        _ => {}
    }
    Ok(json!({
        "language": "rust",
        "event": event.payload,
        "count": count,
        "request": event.context.request_id,
        "greeting": std::env::var("GREETING").unwrap_or_default(),
    }))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(handle)).await
}
