/**
 * Moves messages and stack traces of failures into a payload, so that the codec encrypts them too. Used only
 * together with encryption: without it the Web UI would show "Encoded failure" for nothing.
 *
 * CommonJS, because Temporal loads converters with `require` (sdk-typescript issue 1292); without an import
 * statement, because the workflow bundler reads this file as well.
 */
const common: typeof import('@temporalio/common', { with: {
  'resolution-mode': 'require',
}}) = require('@temporalio/common');

exports.failureConverter = new common.DefaultFailureConverter({ encodeCommonAttributes: true });
