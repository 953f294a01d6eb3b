//! Tools that do nothing but answer what a test wrote down for them.

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Value, json};
use understudy_domain::{
    OrganizationId,
    ports::{
        ActionAnswer, ActionCaller, ActionRequest, CodeOutput, CodeRunner, DatasetEngine,
        KnowledgeIndex, KnowledgeScope, ToolError, WebPage, WebQuery, WebSearch,
    },
    run::Citation,
};

use super::script::Script;

macro_rules! scripted {
    ($name:ident, $question:ty, $answer:ty) => {
        impl $name {
            /// Answers this to the next call that has no answer yet.
            pub fn answer_next(&self, answer: Result<$answer, ToolError>) {
                self.script.answer_next(answer);
            }

            /// What it was asked, in order.
            #[must_use]
            pub fn asked(&self) -> Vec<$question> {
                self.script.asked()
            }
        }
    };
}

/// Answers requests as it was told, and then with status 200 and an empty JSON object.
#[derive(Debug, Default)]
pub struct FakeActions {
    script: Script<ActionRequest, ActionAnswer>,
}
scripted!(FakeActions, ActionRequest, ActionAnswer);

impl FakeActions {
    /// An answer with this status and this JSON.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> ActionAnswer {
        let content_type = Some("application/json".to_owned());
        ActionAnswer { status, content_type, body: Bytes::from(body.to_string()) }
    }
}

#[async_trait]
impl ActionCaller for FakeActions {
    async fn call(&self, request: &ActionRequest) -> Result<ActionAnswer, ToolError> {
        self.script.ask(request.clone(), || Self::json(200, &json!({})))
    }
}

/// Finds the pages that it was told, and then one about whatever it is asked.
#[derive(Debug, Default)]
pub struct FakeWebSearch {
    script: Script<WebQuery, Vec<WebPage>>,
}
scripted!(FakeWebSearch, WebQuery, Vec<WebPage>);

#[async_trait]
impl WebSearch for FakeWebSearch {
    async fn search(&self, query: &WebQuery) -> Result<Vec<WebPage>, ToolError> {
        self.script.ask(query.clone(), || {
            vec![WebPage {
                title: format!("All about {}", query.query),
                url: "https://pages.example/1".to_owned(),
                excerpt: format!("Here it says what {} is.", query.query),
            }]
        })
    }
}

/// Prints what it was told, and then the program that it is given.
#[derive(Debug, Default)]
pub struct FakeCodeRunner {
    script: Script<String, CodeOutput>,
}
scripted!(FakeCodeRunner, String, CodeOutput);

#[async_trait]
impl CodeRunner for FakeCodeRunner {
    async fn run(&self, code: &str) -> Result<CodeOutput, ToolError> {
        self.script.ask(code.to_owned(), || CodeOutput {
            stdout: code.to_owned(),
            stderr: String::new(),
            success: true,
        })
    }
}

/// Finds the passages that it was told, and then none; reads the texts of files that
/// it was told.
#[derive(Debug, Default)]
pub struct FakeKnowledge {
    searches: Script<(KnowledgeScope, String), Vec<Citation>>,
    readings: Script<(KnowledgeScope, String), Option<String>>,
}

impl FakeKnowledge {
    /// Finds this in the next search that has no answer yet.
    pub fn find_next(&self, answer: Result<Vec<Citation>, ToolError>) {
        self.searches.answer_next(answer);
    }

    /// Gives this text to the next reading that has no answer yet.
    pub fn read_next(&self, answer: Result<Option<String>, ToolError>) {
        self.readings.answer_next(answer);
    }

    /// What was searched for, and where.
    #[must_use]
    pub fn searched(&self) -> Vec<(KnowledgeScope, String)> {
        self.searches.asked()
    }

    /// Which files were read, and where.
    #[must_use]
    pub fn read_files(&self) -> Vec<(KnowledgeScope, String)> {
        self.readings.asked()
    }
}

#[async_trait]
impl KnowledgeIndex for FakeKnowledge {
    fn searches_vector_stores(&self) -> bool {
        true
    }

    async fn search(
        &self,
        scope: &KnowledgeScope,
        query: &str,
        limit: u32,
    ) -> Result<Vec<Citation>, ToolError> {
        let mut found = self.searches.ask((scope.clone(), query.to_owned()), Vec::new)?;
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(found)
    }

    async fn read(
        &self,
        scope: &KnowledgeScope,
        file: &str,
        from: u64,
        max_chars: u64,
    ) -> Result<Option<String>, ToolError> {
        let text = self.readings.ask((scope.clone(), file.to_owned()), || None)?;
        let size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        Ok(text.map(|text| text.chars().skip(size(from)).take(size(max_chars)).collect()))
    }
}

/// Gives the rows that it was told, and then none.
#[derive(Debug, Default)]
pub struct FakeDatasets {
    script: Script<(OrganizationId, String, String), Value>,
}
scripted!(FakeDatasets, (OrganizationId, String, String), Value);

#[async_trait]
impl DatasetEngine for FakeDatasets {
    async fn query(
        &self,
        organization: OrganizationId,
        dataset: &str,
        sql: &str,
    ) -> Result<Value, ToolError> {
        self.script.ask((organization, dataset.to_owned(), sql.to_owned()), || json!([]))
    }
}
