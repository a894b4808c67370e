//! What messages of the watches add up to.

use super::*;

const SHOP: &str = "- {name: a, namespace: shop, selector: {}, labels: {type: nginx}}\n";
const BANK: &str = "- {name: b, namespace: bank, selector: {}, labels: {type: nginx}}\n";

fn book(known: Known) -> Book {
    let settings = Settings {
        node: "n".to_owned(),
        namespace: "crowdsec".to_owned(),
        config_map: "edge-agent-targets".to_owned(),
    };
    Book::new(&settings, known)
}

fn targets(book: &mut Book, list: &str) {
    let object = serde_json::json!({"metadata": {"name": "x"}, "data": {KEY: format!("targets:\n{list}")}});
    book.take(Message::Targets(Ok(Some(
        serde_json::from_value(object).unwrap(),
    ))));
}

fn pod(namespace: &str, name: &str, uid: &str) -> PartialObjectMeta<PodKind> {
    let object = serde_json::json!({"metadata": {"namespace": namespace, "name": name, "uid": uid}});
    serde_json::from_value(object).unwrap()
}

fn event(book: &mut Book, namespace: &str, event: Event<PartialObjectMeta<PodKind>>) {
    book.take(Message::Pods(namespace.to_owned(), Ok(event)));
}

fn refusal() -> watcher::Error {
    let status = kube::core::Status::failure("pods is forbidden", "Forbidden").with_code(403);
    watcher::Error::InitialListFailed(kube::Error::Api(status.boxed()))
}

fn folders(book: &Book) -> Vec<String> {
    book.view().known.pods.iter().map(Pod::folder).collect()
}

#[test]
fn pods_come_and_go_and_a_new_list_replaces_the_old() {
    let mut book = book(Known::default());
    targets(&mut book, SHOP);
    for step in [
        Event::Init,
        Event::InitApply(pod("shop", "w", "1")),
        Event::InitDone,
    ] {
        event(&mut book, "shop", step);
    }
    event(&mut book, "shop", Event::Apply(pod("shop", "x", "2")));
    assert_eq!(folders(&book), ["shop_w_1", "shop_x_2"]);
    event(&mut book, "shop", Event::Delete(pod("shop", "w", "1")));
    assert_eq!(folders(&book), ["shop_x_2"]);
    event(&mut book, "shop", Event::Init);
    event(&mut book, "shop", Event::InitApply(pod("shop", "y", "3")));
    assert_eq!(folders(&book), ["shop_x_2"], "half a list replaces nothing");
    event(&mut book, "shop", Event::InitDone);
    assert_eq!(folders(&book), ["shop_y_3"]);
}

#[test]
fn broken_targets_keep_the_running_set_and_tell_the_place() {
    let mut book = book(Known::default());
    targets(&mut book, SHOP);
    let good = book.view().known;
    targets(
        &mut book,
        "- {name: a, namespace: shop, selector: {}, labels: {}}\n",
    );
    let view = book.view();
    assert_eq!(view.known, good);
    insta::assert_snapshot!(view.problem.unwrap(), @"ConfigMap crowdsec/edge-agent-targets: targets.yaml:2: targets[0].labels: missing label type; add type, which parsers go by, for example type: nginx");
    book.take(Message::Targets(Ok(None)));
    let view = book.view();
    assert_eq!(view.known, good);
    insta::assert_snapshot!(view.problem.unwrap(), @"ConfigMap crowdsec/edge-agent-targets: there is no key targets.yaml; the operator writes it, look at its log");
    targets(&mut book, BANK);
    let view = book.view();
    assert_eq!(
        (view.problem, view.known.targets[0].id().as_str()),
        (None, "bank/b")
    );
}

#[test]
fn namespaces_come_and_go_with_the_targets() {
    let mut book = book(Known::default());
    targets(&mut book, &format!("{SHOP}{BANK}"));
    let stop = CancellationToken::new();
    book.spaces.get_mut("shop").unwrap().stop = Some(stop.clone());
    event(&mut book, "shop", Event::Apply(pod("shop", "w", "1")));
    event(&mut book, "bank", Event::Apply(pod("bank", "w", "2")));
    targets(&mut book, BANK);
    assert!(stop.is_cancelled());
    assert_eq!(folders(&book), ["bank_w_2"]);
    event(&mut book, "shop", Event::Apply(pod("shop", "w", "1")));
    assert_eq!(folders(&book), ["bank_w_2"], "a late word of a stopped watch");
}

#[test]
fn an_api_server_that_refuses_changes_nothing_in_what_is_known() {
    let known = Known {
        targets: targets::parse(&format!("targets:\n{SHOP}")).unwrap(),
        pods: vec![Pod::of(pod("shop", "w", "1")).unwrap()],
    };
    let mut book = book(known.clone());
    book.take(Message::Pods("shop".to_owned(), Err(refusal())));
    book.take(Message::Targets(Err(refusal())));
    let view = book.view();
    assert_eq!(view.known, known);
    insta::assert_snapshot!(view.blind["shop"], @"pods of namespace shop cannot be listed: pods is forbidden");
    event(&mut book, "shop", Event::Init);
    event(&mut book, "shop", Event::InitDone);
    assert_eq!(folders(&book), Vec::<String>::new());
    assert!(book.view().blind.is_empty());
}

#[test]
fn pods_are_bounded() {
    let mut book = book(Known::default());
    targets(&mut book, SHOP);
    for n in 0..SOURCES + 9 {
        event(&mut book, "shop", Event::Apply(pod("shop", "w", &n.to_string())));
    }
    assert_eq!(book.view().known.pods.len(), SOURCES);
}
