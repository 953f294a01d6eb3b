//! Somebody at a browser: cookies, redirects, and the pages of the provider.

use reqwest::{Client, Response, Url, header, redirect::Policy};

/// A browser that has been nowhere yet.
pub(crate) struct Browser {
    client: Client,
}

impl Browser {
    pub(crate) fn new() -> Self {
        let client = understudy_tests::http_client().cookie_store(true).redirect(Policy::none());
        Self { client: client.build().unwrap() }
    }

    pub(crate) async fn get(&self, url: &str) -> Response {
        self.client.get(url).send().await.unwrap()
    }

    /// Goes on from the provider's first page, as the account `name`, until the provider
    /// sends the browser to an address that begins with `back`: that address.
    pub(crate) async fn log_in(&self, url: &str, name: &str, back: &str) -> String {
        let mut page = self.get(url).await;
        for _ in 0..20 {
            let here = page.url().clone();
            let next = match redirect_of(&page) {
                Some(next) if next.as_str().starts_with(back) => return next.into(),
                Some(next) => {
                    page = self.get(next.as_str()).await;
                    continue;
                }
                None => page.text().await.unwrap(),
            };
            let action = here.join(between(&next, "action=\"", "\"")).unwrap();
            let prompt = between(&next, "name=\"prompt\" value=\"", "\"").to_owned();
            let form = format!("prompt={prompt}&login={name}&password=x");
            let sent = self.client.post(action).body(form);
            let kind = "application/x-www-form-urlencoded";
            page = sent.header(header::CONTENT_TYPE, kind).send().await.unwrap();
        }
        panic!("the provider does not come to an end");
    }
}

/// Where an answer sends the browser.
pub(crate) fn redirect_of(answer: &Response) -> Option<Url> {
    let location = answer.headers().get(header::LOCATION)?.to_str().unwrap();
    Some(answer.url().join(location).unwrap())
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let Some((_, rest)) = text.split_once(before) else { panic!("no {before} in {text}") };
    rest.split_once(after).unwrap().0
}
