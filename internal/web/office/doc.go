// Package office serves the pages of the bank's staff, under /back-office: they look
// consents up, read their audit, pause, resume and end them, one by one or all of a TPP
// or an account, and decide on what others propose.
//
// It owns how that looks, who may open which page, and where forms come from. Who
// somebody is, internal/staff says; what is done and written down is the business of
// internal/service/office.
//
// The pages are in English only: staff are few, and the audit that they read is in
// English too. They work without JavaScript, from 320 px on, light and dark.
package office
