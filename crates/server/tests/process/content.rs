//! What an editor does with files and pictures, on the whole service: with bytes
//! in the data directory, and in a bucket.

#![expect(clippy::disallowed_types, reason = "a test is a client of the server")]

use reqwest::{
    Client, Method, RequestBuilder, Response,
    multipart::{Form, Part},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use understudy_tests::{
    http_client,
    s3::{Bucket, Moto, S3s},
};

use crate::support::{Server, directory, finish, understudy};

/// A document with images in it that other software made.
const DOCUMENT: &[u8] = include_bytes!("../../../media/tests/data/reportlab.pdf");

const SVG: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10" onload="alert(1)">
    <script>alert(1)</script><circle cx="5" cy="5" r="4" fill="teal"/></svg>"#;

#[tokio::test(flavor = "multi_thread")]
async fn files_and_pictures_are_kept_in_the_data_directory() {
    let editor = Editor::start(None);
    editor.work().await;
    editor.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_pictures_are_kept_in_a_bucket_that_checks_signatures() {
    let s3 = S3s::start().await;
    let editor = Editor::start(Some(&s3.bucket));
    editor.work().await;
    editor.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_pictures_are_kept_in_a_bucket_with_conditions() {
    let s3 = Moto::start().await;
    let editor = Editor::start(Some(&s3.bucket));
    editor.work().await;
    editor.check();
}

/// Somebody who works with a service of their own.
struct Editor {
    directory: TempDir,
    settings: Vec<(&'static str, String)>,
    server: Server,
    token: String,
    client: Client,
}

impl Editor {
    fn start(bucket: Option<&Bucket>) -> Self {
        let directory = directory();
        let settings = bucket.map_or_else(Vec::new, |bucket| {
            vec![
                ("UNDERSTUDY_BLOB_URL", format!("s3://{}/some/prefix", bucket.bucket)),
                ("AWS_ENDPOINT_URL", bucket.endpoint.to_string()),
                ("AWS_ACCESS_KEY_ID", bucket.access_key.clone()),
                ("AWS_SECRET_ACCESS_KEY", bucket.secret_key.clone()),
            ]
        });
        let mut command = understudy(directory.path(), &["--listen", "127.0.0.1:0"]);
        let mut server = Server::spawn({
            command.envs(settings.iter().map(|(name, value)| (*name, value)));
            command
        });
        let token = server.first_token();
        Self { directory, settings, server, token, client: http_client().build().unwrap() }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.server.url)).bearer_auth(&self.token)
    }

    async fn json(&self, request: RequestBuilder, status: u16) -> Value {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{}", answer.text().await.unwrap());
        answer.json().await.unwrap()
    }

    async fn post(&self, path: &str, body: Value, status: u16) -> Value {
        self.json(self.request(Method::POST, path).json(&body), status).await
    }

    async fn send(&self, method: Method, path: &str, part: (&str, &str, Vec<u8>)) -> Value {
        let (field, name, bytes) = part;
        let part = Part::bytes(bytes).file_name(name.to_owned());
        let form = Form::new().part(field.to_owned(), part);
        let status = if method == Method::PUT { 200 } else { 201 };
        self.json(self.request(method, path).multipart(form), status).await
    }

    async fn get(&self, path: &str) -> Response {
        let answer = self.request(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}: {}", answer.text().await.unwrap());
        answer
    }

    async fn bytes(&self, path: &str) -> Vec<u8> {
        self.get(path).await.bytes().await.unwrap().to_vec()
    }

    async fn work(&self) {
        let made = self.post("/api/assistants", json!({"name": "Support"}), 201).await;
        let assistant = format!("/api/assistants/{}", text(&made, "id"));
        self.files(&assistant).await;
        self.draft(&assistant).await;
        self.document(&assistant).await;
        self.icon(&assistant).await;
        self.picture(&assistant).await;
    }

    /// Upload, attach, rename, replace, and a range.
    async fn files(&self, assistant: &str) {
        // More than a bucket takes in one piece.
        let large: Vec<u8> = (0..=255).cycle().take(20 * 1_024 * 1_024 + 7).collect();
        let upload =
            self.send(Method::POST, "/api/uploads", ("file", "up.bin", large.clone())).await;
        let attach = json!({"uploadId": upload["uploadId"], "name": "large.bin"});
        let file = self.post(&format!("{assistant}/files"), attach, 201).await;
        let path = format!("{assistant}/files/{}", text(&file, "id"));
        let rename = self.request(Method::PUT, &path).json(&json!({"name": "larger.bin"}));
        let renamed = self.json(rename, 200).await;
        assert_eq!(renamed["name"], "larger.bin");
        assert_eq!(self.bytes(&format!("{path}/contents")).await, large);

        let part = self.request(Method::GET, &format!("{path}/contents"));
        let part = part.header("range", "bytes=9000000-9000099").send().await.unwrap();
        assert_eq!(part.status(), 206);
        assert_eq!(part.bytes().await.unwrap(), large[9_000_000..9_000_100]);

        let contents = format!("{path}/contents");
        let other = self.send(Method::PUT, &contents, ("file", "x", b"other".to_vec())).await;
        assert_eq!((&other["size"], &other["name"]), (&json!(5), &json!("larger.bin")));
        assert_eq!(self.bytes(&contents).await, b"other");
    }

    async fn draft(&self, assistant: &str) {
        self.post(&format!("{assistant}/_edit"), json!({}), 201).await;
        let draft = self.get(&format!("{assistant}/draft")).await.json::<Value>().await.unwrap();
        let path = format!("/api/assistants/{}/files/_upload", text(&draft, "id"));
        self.send(Method::POST, &path, ("file", "drafted.txt", b"drafted".to_vec())).await;
        let names = async || {
            let files =
                self.get(&format!("{assistant}/files")).await.json::<Value>().await.unwrap();
            let names = files.as_array().unwrap().iter().map(|file| text(file, "name"));
            names.collect::<Vec<_>>()
        };

        assert_eq!(names().await, ["larger.bin"]);
        self.post(&format!("{assistant}/draft/_commit"), json!({}), 200).await;
        assert_eq!(names().await, ["larger.bin", "drafted.txt"]);
        let contents = format!("{assistant}/files/drafted.txt/contents");
        assert_eq!(self.bytes(&contents).await, b"drafted");
    }

    async fn document(&self, assistant: &str) {
        let path = format!("{assistant}/files/_upload");
        self.send(Method::POST, &path, ("file", "report.pdf", DOCUMENT.to_vec())).await;

        let path = format!("{assistant}/files/report.pdf/embeddings");
        let images = self.get(&path).await.json::<Value>().await.unwrap();
        let first = text(&images[0], "id");
        let image = self.get(&format!("{path}/{first}/image")).await;

        assert_eq!(image.headers()["content-type"], text(&images[0], "contentType"));
    }

    async fn icon(&self, assistant: &str) {
        let path = format!("{assistant}/icon");
        self.send(Method::PUT, &path, ("icon", "icon.svg", SVG.into())).await;

        let svg = String::from_utf8(self.bytes(&path).await).unwrap();
        let png = self.bytes(&format!("{path}?size=64")).await;
        let favicon = self.bytes(&format!("{assistant}/favicon.ico")).await;

        assert!(svg.contains("<path") && !svg.contains("alert"), "{svg}");
        assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"));
        assert!(favicon.starts_with(&[0, 0, 1, 0, 3, 0]), "an ICO with three pictures");
    }

    async fn picture(&self, assistant: &str) {
        let prompt = json!({"prompt": "a calm sea", "size": "200x100", "apply": "icon"});
        let image = self.post(&format!("{assistant}/_create-image"), prompt, 200).await;
        let url = text(&image, "url");

        let shown = self.client.get(&url).send().await.unwrap();
        assert_eq!(shown.headers()["content-type"], "image/png");
        let gone = format!("/api/images/{}", text(&image, "id"));
        let gone = self.request(Method::DELETE, &gone).send().await.unwrap();
        assert_eq!(gone.status(), 204);
        assert_eq!(self.client.get(&url).send().await.unwrap().status(), 404);
    }

    /// Everything that something names is there.
    fn check(&self) {
        let mut command = understudy(self.directory.path(), &["fsck", "--deep"]);
        command.envs(self.settings.iter().map(|(name, value)| (*name, value)));
        let said = finish(&mut command, "");

        assert_eq!(said.code, 0, "{said:?}");
        assert!(said.stdout.ends_with(" 0 damaged\n"), "{said:?}");
    }
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_else(|| panic!("{key} of {value}")).to_owned()
}
