use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    Blob, Id, Timestamp,
    assistant::content::{
        AllowedTools, ApprovalSetting, FileEntry, McpServer, Reference, ReferenceType,
        RequireApproval, ToolFilter, ToolMode,
    },
};

fn id<T>(number: u128) -> Id<T> {
    Id::from_uuid(uuid::Uuid::from_u128(number))
}

fn at() -> Timestamp {
    Timestamp::from_unix_micros(0).unwrap()
}

const OFF: ToolModes = ToolModes {
    web_search: ToolMode::Off,
    code_interpreter: ToolMode::Off,
    file_search: ToolMode::Off,
    computer_use_preview: ToolMode::Off,
    image_generation: ToolMode::Off,
    file_retrieval: ToolMode::Off,
};
const AUTO: ToolModes = ToolModes {
    web_search: ToolMode::Auto,
    code_interpreter: ToolMode::Auto,
    file_search: ToolMode::Auto,
    computer_use_preview: ToolMode::Auto,
    image_generation: ToolMode::Auto,
    file_retrieval: ToolMode::Auto,
};
const ALL: Engines = Engines {
    web: true,
    code: true,
    knowledge: true,
    vectors: true,
    datasets: true,
    images: true,
    computer: true,
};

fn wish<'a>(content: &'a Content, modes: &'a ToolModes, engines: Engines) -> Offer<'a> {
    Offer {
        content,
        modes,
        engines,
        vector_stores: &[],
        mcp: &[],
        automations: &[],
        caller: &[],
        takes_tools: true,
        max_tool_calls: 10,
    }
}

fn names(offered: &Offered) -> Vec<&str> {
    offered.tools.iter().map(|tool| tool.spec.name.as_str()).collect()
}

fn fields(offered: &Offered) -> Vec<&str> {
    offered.notices.iter().map(|notice| notice.field.as_str()).collect()
}

fn file() -> FileEntry {
    FileEntry {
        id: id(7),
        name: "handbook.md".into(),
        description: None,
        content_type: "text/markdown".into(),
        blob: Blob::of(b"x"),
        created_at: at(),
        created_by: id(1),
        modified_at: at(),
    }
}

fn skill(number: u128, kind: SkillType, name: &str, data: &Value) -> Skill {
    Skill {
        id: id(number),
        kind,
        name: name.into(),
        description: None,
        data: data.as_object().unwrap().clone(),
        dataset_id: None,
        enabled: true,
        created_at: at(),
        created_by: id(1),
        updated_at: at(),
    }
}

fn automation(number: u128, name: &str) -> Automation {
    Automation {
        id: id(number),
        organization: id(1),
        name: name.into(),
        description: None,
        url: "https://a.example/hook".into(),
        parameters: Map::new(),
        secret: Vec::new(),
        timeout_seconds: 30,
        is_active: true,
        created_by: id(1),
        created_at: at(),
        updated_at: at(),
        revision: 1,
    }
}

fn tool(name: &str, read_only: Option<bool>) -> McpTool {
    McpTool {
        name: name.into(),
        description: format!("Does {name}."),
        input_schema: Map::from_iter([("type".to_owned(), "object".into())]),
        read_only,
    }
}

fn server(label: &str) -> McpServer {
    McpServer {
        server_label: label.into(),
        server_url: Some("https://mcp.example/".into()),
        ..McpServer::default()
    }
}

fn listing(label: &str, tools: Vec<McpTool>) -> McpListing {
    McpListing { label: label.into(), tools: Ok(tools) }
}

fn with_servers(servers: Vec<McpServer>) -> Content {
    let mut content = Content::default();
    content.tool_configurations.mcp_tools = servers;
    content
}

fn of_caller(name: &str) -> CallerTool {
    CallerTool { name: name.into(), description: None, parameters: None, strict: None }
}

#[test]
fn a_tool_that_is_off_is_not_offered_and_nothing_is_said() {
    let content = Content { files: vec![file()], ..Content::default() };

    for engines in [ALL, Engines::default()] {
        let offered = offer(&wish(&content, &OFF, engines));
        assert_eq!(offered, Offered::default());
    }
}

#[test]
fn built_in_tools_are_offered_where_their_engines_are() {
    let reference = Reference {
        target_id: "ds_1".into(),
        target_type: ReferenceType::Dataset,
        description: None,
        created_at: at(),
        created_by: id(1),
    };
    let content =
        Content { files: vec![file()], references: vec![reference], ..Content::default() };

    let offered = offer(&wish(&content, &AUTO, ALL));
    let expected = [
        "web_search",
        "code_interpreter",
        "image_generation",
        "computer_use_preview",
        "file_search",
        "file_retrieval",
        "query_dataset",
    ];
    assert_eq!(names(&offered), expected);
    assert_eq!(offered.notices, []);
    for tool in &offered.tools {
        let schema = Value::Object(tool.spec.parameters.clone());
        assert!(jsonschema::draft202012::new(&schema).is_ok(), "{}", tool.spec.name);
        assert_eq!(schema["type"], "object");
    }

    let told = offer(&wish(&content, &AUTO, Engines::default()));
    assert_eq!(names(&told), [""; 0]);
    assert_eq!(told.notices.len(), 7);
}

#[test]
fn file_tools_need_something_to_search() {
    let empty = Content::default();
    let on = ToolModes { file_search: ToolMode::On, file_retrieval: ToolMode::On, ..OFF };
    let auto = ToolModes { file_search: ToolMode::Auto, file_retrieval: ToolMode::Auto, ..OFF };

    assert_eq!(offer(&wish(&empty, &auto, ALL)), Offered::default());
    let told = offer(&wish(&empty, &on, ALL));
    assert_eq!(names(&told), [""; 0]);
    assert_eq!(told.notices.len(), 2);

    let stores = ["vs_1".to_owned()];
    let engines = Engines { vectors: false, ..ALL };
    let wish = Offer { vector_stores: &stores, ..wish(&empty, &auto, engines) };
    let told = offer(&wish);
    assert_eq!((names(&told), fields(&told)), (vec![], vec!["vector_store_ids"]));
    let found = offer(&Offer { engines: ALL, ..wish });
    assert_eq!((names(&found), fields(&found)), (vec!["file_search"], vec![]));
}

#[test]
fn skills_are_offered_by_their_drivers_under_names_of_their_own() {
    let post = json!({"method": "POST", "url": "https://a.example/"});
    let get = json!({"method": "GET", "url": "https://a.example/"});
    let content = Content {
        skills: vec![
            skill(1, SkillType::Custom, "Order", &post),
            skill(2, SkillType::Custom, "order!", &get),
            skill(3, SkillType::Custom, "Order", &get),
            skill(4, SkillType::WebSearch, "News", &json!({})),
            Skill { enabled: false, ..skill(5, SkillType::Custom, "Gone", &get) },
        ],
        ..Content::default()
    };

    let offered = offer(&wish(&content, &OFF, Engines::default()));

    assert_eq!(names(&offered)[..2], ["Order", "order"]);
    assert!(names(&offered)[2].starts_with("Order_"));
    let approvals: Vec<bool> = offered.tools.iter().map(|tool| tool.needs_approval).collect();
    assert_eq!(approvals, [true, false, false]);
    assert_eq!(fields(&offered), ["skills[News]"]);
    assert_eq!(offered.tools[1].origin, ToolOrigin::Skill(id(2)));
    assert_eq!(find(&offered.tools, "order").unwrap().origin, ToolOrigin::Skill(id(2)));
    assert_eq!(find(&offered.tools, "News"), None);
}

#[test]
fn another_address_of_a_skill_makes_another_pin() {
    let pin_of = |url: &str| {
        let data = json!({"method": "POST", "url": url});
        let skills = vec![skill(1, SkillType::Custom, "Order", &data)];
        let content = Content { skills, ..Content::default() };
        offer(&wish(&content, &OFF, ALL)).tools[0].pin.clone()
    };

    assert_eq!(pin_of("https://a.example/"), pin_of("https://a.example/"));
    assert_ne!(pin_of("https://a.example/"), pin_of("https://b.example/"));
}

#[test]
fn automations_are_offered_while_they_are_active() {
    let mut content = Content::default();
    let ids = [1_u128, 2, 3].map(|n| id::<crate::AutomationKey>(n).to_string());
    content.tool_configurations.streamline_tools = ids.to_vec();
    let automations = [
        automation(1, "Send letter"),
        Automation { is_active: false, ..automation(2, "Old") },
        automation(9, "Not the assistant's"),
    ];

    let offered = offer(&Offer { automations: &automations, ..wish(&content, &OFF, ALL) });

    assert_eq!(names(&offered), ["Send_letter"]);
    assert_eq!(offered.tools[0].spec.description, "Runs the automation “Send letter”.");
    assert_eq!(offered.tools[0].spec.parameters["type"], "object");
    assert!(!offered.tools[0].needs_approval);
    assert_eq!(offered.notices.len(), 2);
    assert!(fields(&offered)[0].contains(&ids[1]));
}

#[test]
fn tools_of_servers_are_filtered_and_told_of_by_their_label() {
    let content = with_servers(vec![
        McpServer {
            allowed_tools: Some(AllowedTools::Names(vec!["read".into()])),
            require_approval: RequireApproval::Setting(ApprovalSetting::Never),
            server_description: Some("The\u{202e} shop.".into()),
            ..server("shop")
        },
        server("down"),
        server("not_asked"),
    ]);
    let listings = [
        listing("shop", vec![tool("read", None), tool("write", None), tool("read", None)]),
        McpListing { label: "down".into(), tools: Err("no answer".into()) },
    ];

    let offered = offer(&Offer { mcp: &listings, ..wish(&content, &OFF, ALL) });

    assert_eq!(names(&offered), ["shop__read"]);
    assert_eq!(offered.tools[0].spec.description, "The shop.\nDoes read.");
    assert!(!offered.tools[0].needs_approval);
    let origin = ToolOrigin::Mcp { label: "shop".into(), tool: "read".into() };
    assert_eq!(offered.tools[0].origin, origin);
    assert_eq!(fields(&offered), ["tool_configurations.mcpTools[down]"]);
}

#[test]
fn the_algorithm_of_approvals_is_followed_case_by_case() {
    let names = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
    let filter = |read_only, tool_names| ToolFilter { read_only, tool_names };
    let filters = |always, never| RequireApproval::Filters { always, never };
    let hinted = tool("read", Some(true));
    let silent = tool("read", None);
    let writing = tool("write", Some(false));
    for (required, tool, expected) in [
        (RequireApproval::Setting(ApprovalSetting::Always), &hinted, true),
        (RequireApproval::Setting(ApprovalSetting::Never), &writing, false),
        (filters(None, None), &hinted, true),
        (filters(None, Some(filter(Some(true), None))), &hinted, false),
        (filters(None, Some(filter(Some(true), None))), &silent, true),
        (filters(None, Some(filter(Some(true), None))), &writing, true),
        (filters(None, Some(filter(Some(false), None))), &silent, false),
        (filters(None, Some(filter(None, names(&["write"])))), &writing, false),
        (filters(None, Some(filter(Some(true), names(&["write"])))), &writing, true),
        (filters(None, Some(filter(None, None))), &hinted, true),
        (
            filters(Some(filter(None, names(&["read"]))), Some(filter(Some(true), None))),
            &hinted,
            true,
        ),
        (filters(Some(filter(None, names(&["x"]))), None), &hinted, true),
    ] {
        assert_eq!(needs_approval(&required, tool), expected, "{required:?} {tool:?}");
    }
    for (allowed, tool, expected) in [
        (None, &writing, true),
        (Some(AllowedTools::Names(vec![])), &writing, false),
        (Some(AllowedTools::Names(vec!["write".into()])), &writing, true),
        (Some(AllowedTools::Filter(filter(Some(true), None))), &hinted, true),
        (Some(AllowedTools::Filter(filter(Some(true), None))), &silent, false),
        (Some(AllowedTools::Filter(filter(None, None))), &hinted, false),
    ] {
        assert_eq!(allows(allowed.as_ref(), tool), expected, "{allowed:?} {tool:?}");
    }
}

#[test]
fn what_a_server_says_is_bounded_and_has_nothing_hidden() {
    let long = McpTool {
        name: "wörter.zählen".into(),
        description: format!("\u{1b}[2J\u{e0041}{}", "x".repeat(4_000)),
        input_schema: json!({
            "properties": {"a": {"type": "string", "description": "in\u{200b}visible"}},
        })
        .as_object()
        .unwrap()
        .clone(),
        read_only: None,
    };
    let huge = McpTool {
        input_schema: json!({"type": "object", "$comment": "x".repeat(MAX_SCHEMA_BYTES)})
            .as_object()
            .unwrap()
            .clone(),
        ..tool("huge", None)
    };
    let content = with_servers(vec![server("s")]);
    let listings = [listing("s", vec![long, huge])];

    let offered = offer(&Offer { mcp: &listings, ..wish(&content, &OFF, ALL) });

    let spec = &offered.tools[0].spec;
    assert!(spec.name.starts_with("s__w_rter_z_hlen_"), "{}", spec.name);
    assert_eq!(spec.description.chars().count(), MAX_DESCRIPTION_CHARS);
    assert!(spec.description.starts_with("[2Jxxx"));
    assert_eq!(spec.parameters["type"], "object");
    assert_eq!(spec.parameters["properties"]["a"]["description"], "invisible");
    assert_eq!(fields(&offered), ["tool_configurations.mcpTools[s]"]);
}

#[test]
fn the_callers_tools_keep_their_names() {
    let content = with_servers(vec![server("s")]);
    let listings = [listing("s", vec![tool("t", None)])];
    let caller = [of_caller("s__t"), of_caller("mine")];

    let offered = offer(&Offer { caller: &caller, mcp: &listings, ..wish(&content, &OFF, ALL) });

    assert_eq!(names(&offered)[..2], ["s__t", "mine"]);
    assert!(names(&offered)[2].starts_with("s__t_"));
    assert_eq!(offered.faults, []);
}

#[test]
fn the_callers_tools_have_no_name_twice_and_none_of_the_assistants() {
    let content = Content::default();
    let caller = [of_caller("mine"), of_caller("mine"), of_caller("web_search")];
    let modes = ToolModes { web_search: ToolMode::Auto, ..OFF };

    let with = Offer { caller: &caller, ..wish(&content, &modes, ALL) };
    let pointers: Vec<String> =
        offer(&with).faults.into_iter().map(|fault| fault.pointer).collect();
    assert_eq!(pointers, ["/tools/1/name", "/tools/2/name"]);

    let without = offer(&Offer { caller: &caller[1..], modes: &OFF, ..with });
    assert_eq!(names(&without), ["mine", "web_search"]);
}

#[test]
fn without_calls_or_without_a_model_that_takes_tools_none_is_offered() {
    let content = Content::default();
    let modes = ToolModes { web_search: ToolMode::Auto, code_interpreter: ToolMode::On, ..OFF };
    let engines = Engines { web: true, ..Engines::default() };
    let wish = wish(&content, &modes, engines);

    let none = offer(&Offer { max_tool_calls: 0, ..wish });
    assert_eq!((names(&none), fields(&none)), (vec![], vec!["max_tool_calls"]));
    let none = offer(&Offer { takes_tools: false, ..wish });
    assert_eq!((names(&none), fields(&none)), (vec![], vec!["tool_configurations"]));
    let none = offer(&Offer { takes_tools: false, modes: &OFF, ..wish });
    assert_eq!(none, Offered::default());
}

#[test]
fn at_most_so_many_tools_are_offered_as_providers_take() {
    let content = with_servers(vec![server("s")]);
    let many: Vec<McpTool> = (0..200).map(|n| tool(&format!("t{n}"), None)).collect();
    let listings = [listing("s", many)];
    let caller = [of_caller("mine")];

    let offered = offer(&Offer { caller: &caller, mcp: &listings, ..wish(&content, &OFF, ALL) });

    assert_eq!(offered.tools.len(), MAX_TOOLS);
    assert!(find(&offered.tools, "mine").is_some());
    assert_eq!(offered.notices.len(), 1);
    assert!(offered.notices[0].reason.contains("s__t127"), "{}", offered.notices[0].reason);
    assert!(offered.notices[0].reason.ends_with("and 53 more"), "{}", offered.notices[0].reason);
}

#[test]
fn a_pin_tells_all_changes_and_no_order_of_keys() {
    let schema = |text: &str| serde_json::from_str::<Map<String, Value>>(text).unwrap();
    let one = pin("a", "b", "c", &schema("{\"x\":1,\"y\":[1,2]}"));

    assert_eq!(one.len(), 64);
    assert_eq!(one, pin("a", "b", "c", &schema("{\"y\":[1,2],\"x\":1}")));
    assert_ne!(one, pin("a", "b", "c", &schema("{\"y\":[2,1],\"x\":1}")));
    assert_ne!(one, pin("a", "b", "d", &schema("{\"x\":1,\"y\":[1,2]}")));
    assert_ne!(one, pin("a", "bc", "", &schema("{\"x\":1,\"y\":[1,2]}")));
    assert_ne!(pin("a\n", "", "", &Map::new()), pin("a", "\n", "", &Map::new()));
}

proptest! {
    #[test]
    fn names_are_unique_and_fit_whatever_servers_say(
        servers in prop::collection::vec(("[a-z_]{1,4}", prop::collection::vec("\\PC{0,70}|[a-b_.]{1,3}", 0..6)), 0..4),
        mine in prop::collection::btree_set("[a-b_]{1,6}", 0..4),
    ) {
        let labels: BTreeMap<&String, &Vec<String>> =
            servers.iter().map(|(label, tools)| (label, tools)).collect();
        let content = with_servers(labels.keys().map(|label| server(label)).collect());
        let listings: Vec<McpListing> = labels
            .iter()
            .map(|(label, tools)| listing(label, tools.iter().map(|name| tool(name, None)).collect()))
            .collect();
        let caller: Vec<CallerTool> = mine.iter().map(|name| of_caller(name)).collect();

        let offered = offer(&Offer { caller: &caller, mcp: &listings, ..wish(&content, &OFF, ALL) });

        let unique: std::collections::BTreeSet<&str> = names(&offered).into_iter().collect();
        prop_assert_eq!(unique.len(), offered.tools.len());
        for name in unique {
            prop_assert!((1..=MAX_NAME_CHARS).contains(&name.len()));
            prop_assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b)));
        }
    }
}
