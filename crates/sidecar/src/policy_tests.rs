//! Which rule counts for a name.

use super::*;

fn rules(written: &[(&str, Option<&str>)]) -> Rules {
    let verdict = |scope: &Option<&str>| match scope {
        Some("public") => Verdict::Public,
        Some(scope) => Verdict::Scope(scope.parse().expect("a scope")),
        None => Verdict::Denied,
    };
    Rules::new(written.iter().map(|(pattern, scope)| (Pattern::new(*pattern), verdict(scope))).collect())
}

#[test]
fn a_star_stands_for_any_characters_and_nothing_else_does() {
    for (pattern, name, is_match) in [
        ("*", "", true),
        ("*", "anything", true),
        ("a*", "a", true),
        ("a*", "abc", true),
        ("a*", "ba", false),
        ("*c", "abc", true),
        ("a*c", "abc", true),
        ("a*a", "a", false),
        ("a*a", "aa", true),
        ("a*b*c", "a1b2c", true),
        ("a*b*c", "acb", false),
        ("a*b*b", "ab", false),
        ("**", "x", true),
        ("a?c", "abc", false),
        ("a.c", "abc", false),
        ("[a]", "a", false),
        ("A*", "abc", false),
        ("\u{e9}*", "\u{e9}t\u{e9}", true),
        ("\u{e9}", "e\u{301}", false),
    ] {
        assert_eq!(Pattern::new(pattern).specificity(name).is_some(), is_match, "{pattern} on {name}");
    }
}

#[test]
fn matching_takes_no_longer_for_hostile_names() {
    let pattern = "a*".repeat(40) + "b";
    assert!(!matches(&pattern, &"a".repeat(100_000)));
}

#[test]
fn the_most_specific_rule_decides() {
    let rules = rules(&[
        ("*", Some("all")),
        ("notes_*", Some("notes")),
        ("notes_read*", Some("public")),
        ("notes_read_secret", None),
        ("*_secret", None),
    ]);
    let of = |name: &str| rules.of(name).cloned().collect::<Vec<_>>();
    let scope = |text: &str| vec![Verdict::Scope(text.parse().expect("a scope"))];
    assert_eq!(of("other"), scope("all"));
    assert_eq!(of("notes_write"), scope("notes"));
    assert_eq!(of("notes_read_all"), [Verdict::Public]);
    assert_eq!(of("notes_read_secret"), [Verdict::Denied]);
    assert_eq!(of("x_secret"), [Verdict::Denied]);
}

#[test]
fn of_equally_specific_rules_a_denial_counts_first_and_then_all_scopes() {
    let both = rules(&[("a_*", Some("a")), ("*_b", Some("b"))]);
    let names: Vec<String> = both.scopes("a_b").map(ToString::to_string).collect();
    assert_eq!(names, ["a", "b"]);
    assert!(rules(&[("a_*", Some("a")), ("*_b", None)]).deny("a_b"));
    assert!(!rules(&[("a_*", Some("public")), ("*_b", Some("b"))]).open("a_b"), "one scope closes what is open");
    assert!(rules(&[("a_*", Some("public")), ("*_b", Some("public"))]).open("a_b"));
    assert!(!rules(&[]).open("a"), "nothing is open by itself");
}

#[test]
fn what_an_entry_of_a_list_needs_is_what_using_it_needs() {
    let scope = |text: &str| text.parse::<Scope>().expect("a scope");
    let policy = |methods: &[(&str, Option<&str>)]| Policy {
        login: Login::Lazy,
        scope: scope("use"),
        methods: rules(methods),
        tools: rules(&[("open", Some("public")), ("write", Some("w")), ("no", None)]),
        prompts: Rules::default(),
        resources: Rules::default(),
        implied_by: HashMap::new(),
        dry_run: false,
        list_only_permitted: false,
    };
    for methods in [&[][..], &[("tools/call", Some("call"))], &[("tools/call", None)], &[("prompts/get", None)]] {
        let policy = policy(methods);
        for name in ["open", "write", "no", "other"] {
            let call = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{name}"}}}}"#);
            let call = crate::mcp::read(call.as_bytes()).expect("a call");
            let [call] = call.operations() else { panic!("one operation") };
            assert_eq!(policy.need_for(List::Tools, name), policy.need(call), "{name} with {methods:?}");
        }
    }
}
