//! Lists on their way back: what a caller does not get to see is left out of `tools/list` (and of the lists of prompts,
//! resources and resource templates), and tools are described as the operator wants. MCP server/tools, server/utilities/caching.
//!
//! To hide is cosmetic: a call is allowed or refused by the gate, whatever the list said. But a list that is to be changed is
//! changed or not answered at all; what could be read in two ways is refused.
//!
//! | file | what it does |
//! |---|---|
//! | `overlay` | the configuration of single tools, as the members that are set |
//! | `json` | walks JSON text in place |
//! | `splice` | the new text: only changed bytes differ |
//! | `asked` | which answers are awaited |
//! | `created` | which tasks an answer created |
//! | `rewrite` | one JSON-RPC message, or a batch |
//! | `whole` | an answer that is no stream, read whole |
//! | `events` | the same in a stream of server-sent events |

mod asked;
mod created;
mod events;
mod json;
mod overlay;
mod rewrite;
mod splice;
mod whole;

use std::sync::Arc;

use serde::Serialize;

use crate::listed_tools::ListedTools;

pub use asked::Asked;
pub use created::{created_tasks, names_a_task};
pub use events::{Broken, Edit, Lists, edited, joined_data};
pub use overlay::Overlay;
pub use whole::{Unread, read_whole};

/// What is larger is not rewritten: an answer, an event, and what they become. To rewrite so much takes a worker about as long
/// as anybody may keep it (50 ms).
pub const MAX_SIZE: usize = 4 * 1024 * 1024;

/// A list that MCP servers give page by page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// `tools/list`
    Tools,
    /// `prompts/list`
    Prompts,
    /// `resources/list`
    Resources,
    /// `resources/templates/list`
    ResourceTemplates,
    /// `tasks/list`
    Tasks,
}

impl List {
    const ALL: [Self; 5] = [Self::Tools, Self::Prompts, Self::Resources, Self::ResourceTemplates, Self::Tasks];

    /// The list that a method asks for.
    pub fn asked_by(method: &str) -> Option<Self> {
        match method {
            "tools/list" => Some(Self::Tools),
            "prompts/list" => Some(Self::Prompts),
            "resources/list" => Some(Self::Resources),
            "resources/templates/list" => Some(Self::ResourceTemplates),
            "tasks/list" => Some(Self::Tasks),
            _ => None,
        }
    }

    /// The member of the result that holds it.
    fn member(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Prompts => "prompts",
            Self::Resources => "resources",
            Self::ResourceTemplates => "resourceTemplates",
            Self::Tasks => "tasks",
        }
    }

    /// The member of an entry that names it.
    fn naming_member(self) -> &'static str {
        match self {
            Self::Tools | Self::Prompts => "name",
            Self::Resources => "uri",
            Self::ResourceTemplates => "uriTemplate",
            Self::Tasks => "taskId",
        }
    }
}

/// What one caller gets to see.
pub trait View {
    /// Whether an entry is shown: a tool or prompt by its name, a resource by its URI, a template by its URI template, a task
    /// by its id.
    fn shows(&self, list: List, name: &str) -> bool;

    /// How a tool may be called, for clients that read `securitySchemes`; `None` leaves what the MCP server says.
    fn security_schemes(&self, _tool: &str) -> Option<Vec<SecurityScheme>> {
        None
    }

    /// Whether another caller might see something else. Then no cache may share the list.
    fn depends_on_caller(&self) -> bool;

    /// Whether there is no list yet that would be changed. Once it is false, it stays so.
    fn is_at_rest(&self) -> bool {
        false
    }

    /// Whether no list is changed but that of tasks.
    fn changes_only_tasks(&self) -> bool {
        false
    }
}

/// One way to call a tool, as the OpenAI Apps SDK writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum SecurityScheme {
    /// Without a token.
    NoAuth,
    /// With a token of these scopes.
    OAuth2 {
        /// All of them.
        scopes: Vec<String>,
    },
}

/// What is done to the lists of one request.
pub struct Rewriter<V> {
    /// What the operator wrote about single tools.
    pub overlay: Arc<Overlay>,
    /// What the caller gets to see.
    pub view: V,
    /// Who is told which tools are shown.
    pub listed: Option<Arc<ListedTools>>,
    /// Whether the request was of revision 2026-07-28 or later, where a result says how it may be cached.
    pub is_modern: bool,
}

/// Why there is no answer that could be passed on. To pass on what came would show what is hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unrewritable {
    /// Above [`MAX_SIZE`].
    #[error("it is larger than 4 MiB")]
    TooLarge,
    /// Others that are held take all the memory that they may take.
    #[error("there is no room for it beside the others that are held (limits.list_memory)")]
    NoRoom,
    /// There is a `Content-Encoding`.
    #[error("it is compressed")]
    Encoded,
    /// Nobody knows what a lenient reader would see in it.
    #[error("it is not JSON")]
    NotJson,
    /// Readers differ in which one they take.
    #[error("a member is there twice, or in other letter case")]
    Ambiguous,
    /// Entries could not be told apart.
    #[error("the list is not an array of objects that have names")]
    NotAList,
    /// Nothing can be set in them.
    #[error("the annotations of a tool are not an object")]
    Annotations,
    /// Of HTTP+SSE: clients would be sent there, with their tokens.
    #[error("the URI for messages is not on the MCP server's own host")]
    ForeignAddress,
}
