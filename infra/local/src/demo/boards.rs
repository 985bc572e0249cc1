//! Demo questions and study parties, with what others say to them.

use http::Method;
use serde_json::{Value, json};

use super::{FrontDoor, Incomplete, USERS, text};

/// A post to make. People are numbers of [`USERS`].
struct Post {
    board: &'static str,
    by: usize,
    title: &'static str,
    content: &'static str,
    category: &'static str,
    tags: &'static [&'static str],
    /// Of a party.
    capacity: Option<u32>,
    comments: &'static [(usize, &'static str)],
}

const POSTS: [Post; 5] = [
    Post {
        board: "/v1/communities",
        by: 0,
        title: "DynamoDB 단일 테이블, 어디까지 합쳐야 할까요?",
        content: "주문과 게시글을 한 테이블에 두려고 합니다.\n\n- 접근 패턴은 열 개 정도입니다.\n- 인덱스를 몇 개까지 쓰는 게 좋을까요?",
        category: "WEB_DEV",
        tags: &["dynamodb", "설계"],
        capacity: None,
        comments: &[
            (1, "접근 패턴부터 표로 적어 보세요. 함께 읽는 것끼리 같은 파티션에 두면 대부분 풀립니다."),
            (2, "저는 인덱스 세 개로 충분했습니다. 희소 인덱스를 꼭 활용해 보세요."),
            (0, "감사합니다. 표로 정리해 보니 두 개면 되겠네요!"),
        ],
    },
    Post {
        board: "/v1/communities",
        by: 1,
        title: "플러터에서 무한 스크롤이 끊겨요",
        content: "커서로 다음 페이지를 부를 때마다 화면이 잠깐 멈춥니다.\n\n```dart\nfinal page = await api.posts(cursor: cursor);\n```",
        category: "APP_DEV",
        tags: &["flutter", "성능"],
        capacity: None,
        comments: &[(2, "목록 끝에 닿기 전에 미리 부르고, 파싱은 `compute`로 넘겨 보세요.")],
    },
    Post {
        board: "/v1/communities",
        by: 2,
        title: "첫 이직 포트폴리오에 꼭 넣어야 할 것",
        content: "3년 차 백엔드 개발자입니다. 프로젝트를 몇 개나 싣는 게 좋을까요?",
        category: "ETC",
        tags: &["커리어"],
        capacity: None,
        comments: &[],
    },
    Post {
        board: "/v1/parties",
        by: 1,
        title: "매주 토요일 러스트 스터디",
        content: "공식 책을 한 장씩 읽고 함께 문제를 풉니다. 온라인으로 두 시간씩 진행해요.",
        category: "WEB_DEV",
        tags: &["rust", "온라인"],
        capacity: Some(5),
        comments: &[(0, "러스트가 처음인데 참여해도 괜찮을까요?"), (1, "그럼요, 1장부터 시작합니다!")],
    },
    Post {
        board: "/v1/parties",
        by: 2,
        title: "고도 엔진으로 48시간 게임잼 함께해요",
        content: "기획 한 분, 그래픽 한 분을 찾습니다.",
        category: "GAME_DEV",
        tags: &["godot", "게임잼"],
        capacity: Some(2),
        comments: &[],
    },
];

impl FrontDoor {
    /// Makes the posts and comments that are missing.
    pub(super) async fn boards(&self) -> Result<(), Incomplete> {
        let mut tokens = [const { None }; USERS.len()];
        for post in &POSTS {
            let list = self.ask(Method::GET, &format!("{}?limit=100", post.board), None, None).await?;
            let list = list.array("items")?;
            let made = list.iter().find(|card| card.get("title").and_then(Value::as_str) == Some(post.title));
            let id = if let Some(card) = made {
                text(card, "id")?
            } else {
                let token = self.token(&mut tokens, post.by).await?;
                let mut body = json!({
                    "title": post.title, "content": post.content, "category": post.category, "tags": post.tags,
                });
                if let (Some(capacity), Some(fields)) = (post.capacity, body.as_object_mut()) {
                    fields.insert("capacity".to_owned(), capacity.into());
                }
                self.ask(Method::POST, post.board, Some(&token), Some(body)).await?.text("id")?
            };
            let path = format!("{}/{id}/comments", post.board);
            let said = self.ask(Method::GET, &path, None, None).await?.array("items")?.len();
            for (by, content) in post.comments.iter().skip(said) {
                let token = self.token(&mut tokens, *by).await?;
                self.ask(Method::POST, &path, Some(&token), Some(json!({ "content": content }))).await?;
            }
        }
        Ok(())
    }

    /// The token of a user, who logs in once.
    async fn token(&self, known: &mut [Option<String>; USERS.len()], user: usize) -> Result<String, Incomplete> {
        let nobody = Incomplete::Unexpected("user");
        let ((email, _), Some(known)) = (USERS.get(user).ok_or(nobody)?, known.get_mut(user)) else {
            return Err(Incomplete::Unexpected("user"));
        };
        match known {
            Some(token) => Ok(token.clone()),
            None => Ok(known.insert(self.log_in(email).await?).clone()),
        }
    }
}
