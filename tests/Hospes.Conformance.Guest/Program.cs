using Hospes.Conformance;

// The conformance suite on the KVM of wherever this runs. Arguments: names of programs to leave out.
(int passed, int failed) = await SuiteRunner.RunAsync<KvmEngineConformance>(Console.WriteLine, args);
Console.WriteLine($"conformance: {passed} passed, {failed} failed");
return failed == 0 && passed > 0 ? 0 : 1;
