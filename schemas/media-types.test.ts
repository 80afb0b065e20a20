import { expect, it } from 'vitest';
import { createTypeMatcher, mediaTypeProblem } from './media-types.js';

it.each([
  ['image/*', 'a/Photo.JPG', true],
  ['image/*', 'a/report.pdf', false],
  ['IMAGE/*', 'photo.png', true],
  ['application/pdf', 'report.pdf', true],
  ['application/pdf', 'pdf', false],
  ['application/pdf', 'a/.pdf', false],
  ['application/pdf', 'a.pdf/x', false],
  ['application/pdf', 'report.', false],
  // An ending may stand for several types.
  ['text/xml', 'a.xml', true],
  ['application/xml', 'a.xml', true],
  ['application/vnd.openxmlformats-officedocument.wordprocessingml.document', 'a.docx', true],
  ['video/*', 'a.unheard-of', false],
])('%s on %s: %s', (type, path, fits) => {
  expect(mediaTypeProblem(type)).toBeUndefined();
  expect(createTypeMatcher(['font/woff', type])(path)).toBe(fits);
});

it.each(['pdf', 'image/', '/png', 'a/b/c', 'image/png; q=1', '*/*'])('%j is no media type', (type) => {
  expect(mediaTypeProblem(type)).toBeTypeOf('string');
});
