// Which handler is called, and with what of the target.
#include "common/http/http_router.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"

namespace porchlight::http_router_test {
namespace {

HttpRouter Routes() {
  const auto say = [](const char* name) {
    return [name](const HttpRequest& request) {
      return HttpResponse{.body = absl::StrCat(name, "|", request.path, "|",
                                               absl::StrJoin(request.captured, ","), "|",
                                               request.Query("q"))};
    };
  };
  HttpRouter routes;
  routes.Get("/", say("home"));
  routes.Get("/links/new", say("new"));
  routes.Get("/links/*", say("link"));
  routes.Post("/links/*", say("use"));
  routes.Get("/links/*/pages/*", say("page"));
  return routes;
}

HttpResponse Ask(const std::string& method, const std::string& target) {
  HttpRequest request;
  request.method = method;
  request.target = target;
  return Routes().Answer(std::move(request));
}

TEST(HttpRouterTest, FindsTheFirstThatMatches) {
  EXPECT_EQ(Ask("GET", "/").body, "home|/||");
  EXPECT_EQ(Ask("GET", "/?q=1&q=2").body, "home|/||1");
  EXPECT_EQ(Ask("GET", "/links/new").body, "new|/links/new||");
  EXPECT_EQ(Ask("GET", "/links/a").body, "link|/links/a|a|");
  EXPECT_EQ(Ask("POST", "/links/a").body, "use|/links/a|a|");
  EXPECT_EQ(Ask("GET", "/links/a/pages/b?q=%C3%AB+x").body, "page|/links/a/pages/b|a,b|\xC3\xAB x");
}

TEST(HttpRouterTest, EncodedSlashPartsNothing) {
  EXPECT_EQ(Ask("GET", "/links/a%2Fpages%2Fb").body, "link|/links/a/pages/b|a/pages/b|");
  EXPECT_EQ(Ask("GET", "/links%2Fa").status, 404);
  EXPECT_EQ(Ask("GET", "/links/..").body, "link|/links/..|..|");
}

TEST(HttpRouterTest, RefusesTheRest) {
  for (const char* target : {"/links", "/links/", "/links//", "//", "/other", "/links/a/",
                             "/links/a/pages/", "/LINKS/a"}) {
    EXPECT_EQ(Ask("GET", target).status, 404) << target;
  }
  for (const char* target :
       {"", "*", "links/a", "http://a.example/", "/%", "/%0", "/%00", "/a%0Ab", "/?q=%"}) {
    EXPECT_EQ(Ask("GET", target).status, 400) << target;
  }
}

TEST(HttpRouterTest, NamesTheMethodsThatThereAre) {
  const HttpResponse put = Ask("PUT", "/links/new");
  EXPECT_EQ(put.status, 405);
  EXPECT_EQ(put.headers.at("Allow"), "GET, HEAD, POST");
  EXPECT_EQ(Ask("POST", "/").headers.at("Allow"), "GET, HEAD");
  EXPECT_EQ(Ask("GET", "/links/new").status, 200);
}

}  // namespace
}  // namespace porchlight::http_router_test
