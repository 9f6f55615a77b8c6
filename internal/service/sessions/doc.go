// Package sessions knows who is logged in to the bank's own pages.
//
// Who logs in walks the same way as who authorises a consent: through the flow that
// serves redirects, by a run that is of no consent (service/sca leads them). When it has
// ended well, the browser that walked it is given a session for it, once. Where the bank
// wants another proof of what somebody does who is logged in, that is such a walk too.
//
// A session ends after five minutes without a request (RTS 2018/389 art. 4(3)(d)), and
// after an hour in any case. What the browser shows is a secret of which only the
// digest is kept, and it is another one for each session.
package sessions
