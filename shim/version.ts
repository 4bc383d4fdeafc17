// The version that the shim answers with; package.json's, held by a test, since reading that file costs a start time.
export const version = '0.1.0';
