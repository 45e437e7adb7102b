//! The emulator by itself: it starts, keeps accounts apart, and ends.

use e2e::emulator::{Account, Client, MiniStack};
use serde_json::json;

#[tokio::test]
async fn starts_keeps_accounts_apart_and_ends() {
    let mut progress = |line: &str| println!("{line}");
    let ministack = MiniStack::start("http://127.0.0.1:1", &mut progress).unwrap();
    let client = Client::start(&ministack.url(), &mut progress).unwrap();
    println!("started in {:?}, log in {}", ministack.started_in(), ministack.log().display());
    let (one, two) = (Account::new("111111111111"), Account::new("222222222222"));

    let parameter = json!({"Name": "/slipway/config", "Value": "version: 1", "Type": "String"});
    client.call(&one, "ssm", "PutParameter", parameter).await.unwrap();

    let wanted = json!({"Name": "/slipway/config"});
    let found = client.call(&one, "ssm", "GetParameter", wanted.clone()).await.unwrap();
    assert_eq!(found["Parameter"]["Value"], "version: 1");
    let missing = client.call(&two, "ssm", "GetParameter", wanted).await.unwrap_err();
    assert!(missing.to_string().starts_with("ssm GetParameter: ParameterNotFound"), "{missing}");

    let url = ministack.url();
    drop(ministack);
    let address = url.trim_start_matches("http://");
    assert!(std::net::TcpStream::connect(address).is_err(), "{address} still answers");
}
