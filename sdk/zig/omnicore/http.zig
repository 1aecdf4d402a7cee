//! Send HTTP requests.
// Made from specs/doors by `python -m sdk.generate`; change it there.

const core = @import("core.zig");

/// An answer; a status of 400 and above is one, too.
pub const Response = struct {
    /// 100 to 599
    status: i64,
    /// by lower-case names, repeated ones joined by `, `
    headers: core.Texts,
    /// as it came
    body: core.Bytes,
};

/// What may be left out of `fetch`; `.{}` leaves out all.
pub const FetchOptions = struct {
    /// GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS; GET when left out
    method: ?[]const u8 = null,
    /// those of the connection itself are the host's
    headers: ?core.Texts = null,
    /// what is sent
    body: ?core.Bytes = null,
};

/// Sends a request and waits for the whole answer. `url`: absolute, http or https.
pub fn fetch(url: []const u8, options: FetchOptions) core.Failure!Response {
    var request: core.Request = try .begin();
    try request.field("url", url);
    if (options.method) |method| try request.field("method", method);
    if (options.headers) |headers| try request.field("headers", headers);
    if (options.body) |body| try request.field("body", body);
    return request.ask(Response, "http_fetch_v1");
}
