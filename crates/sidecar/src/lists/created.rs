//! Which tasks an answer of the MCP server created: MCP 2025-11-25 "Tasks" (`result.task.taskId`), and the tasks extension of
//! 2026-07-28 (`result.taskId` beside `"resultType": "task"`). Called by `tasks/watch.rs`, which changes nothing.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::json::{Value, pick};

/// As every server writes the member's name.
static NAMED: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("taskId"));

/// The ids of the tasks that a message, or each of a batch, says were created. What can be read in two ways creates none.
pub fn created_tasks(message: &[u8]) -> Vec<Cow<'_, str>> {
    if !names_a_task(message) {
        return Vec::new();
    }
    let Some(Ok(message)) = std::str::from_utf8(message).ok().map(Value::only) else { return Vec::new() };
    if !message.is_array() {
        return created_by(message).into_iter().collect();
    }
    message.elements().filter_map(|element| created_by(element.ok()?)).collect()
}

/// Whether it is worth a closer look.
pub fn names_a_task(text: &[u8]) -> bool {
    NAMED.find(text).is_some()
}

fn created_by(message: Value<'_>) -> Option<Cow<'_, str>> {
    let [result, method] = object(message, ["result", "method"])?;
    let (Some(result), None) = (result, method) else { return None };
    let [task, id, kind] = object(result, ["task", "taskId", "resultType"])?;
    let id = match task {
        Some(task) => object(task, ["taskId"])?[0],
        None => id.filter(|_| kind.and_then(Value::string).as_deref() == Some("task")),
    };
    id.and_then(Value::string)
}

fn object<'t, const N: usize>(value: Value<'t>, names: [&str; N]) -> Option<[Option<Value<'t>>; N]> {
    if value.is_object() { pick(value, names).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_created_by_a_result_that_says_so_and_by_nothing_else() {
        for (message, ids) in [
            (r#"{"jsonrpc":"2.0","id":1,"result":{"task":{"taskId":"t","status":"working"}}}"#, &["t"][..]),
            (r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"task","taskId":"t"}}"#, &["t"]),
            (r#" {"result" : { "task" : { "taskId" : "\u0074" } } } "#, &["t"]),
            (r#"[{"result":{"task":{"taskId":"t"}}},{"result":{}},{"result":{"task":{"taskId":"u"}}}]"#, &["t", "u"]),
            (r#"{"result":{"taskId":"t","status":"working"}}"#, &[]),
            (r#"{"result":{"resultType":"complete","taskId":"t"}}"#, &[]),
            (r#"{"result":{"structuredContent":{"task":{"taskId":"t"}}}}"#, &[]),
            (r#"{"result":{"content":[{"type":"text","text":"{\"task\":{\"taskId\":\"t\"}}"}]}}"#, &[]),
            (r#"{"method":"notifications/tasks/status","params":{"taskId":"t"}}"#, &[]),
            (r#"{"method":"x","id":1,"result":{"task":{"taskId":"t"}}}"#, &[]),
            (r#"{"error":{"data":{"task":{"taskId":"t"}}}}"#, &[]),
            (r#"{"result":{"task":{"taskId":1}}}"#, &[]),
            (r#"{"result":{"task":"taskId"}}"#, &[]),
            (r#"{"result":{"task":{"taskId":"t","taskId":"u"}}}"#, &[]),
            (r#"{"result":{"task":{"taskId":"t"},"task":{"taskId":"u"}}}"#, &[]),
            (r#"{"result":{"task":{"taskId":"t"},"Task":{"taskId":"u"}}}"#, &[]),
            (r#"{"result":{"task":{"taskId":"t"}}"#, &[]),
            (r#"{"result":{"task":{"taskId":"t"}}}{}"#, &[]),
            ("", &[]),
        ] {
            assert_eq!(created_tasks(message.as_bytes()), ids, "{message}");
        }
    }
}
