using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Hospes.Hypervisor;

namespace Hospes.Conformance;

/// <summary>Runs the suite without a test runner: inside a nested guest there is none, and on hosts without KVM its class must not be found by one.</summary>
internal static class SuiteRunner
{
    /// <summary>A program that has not ended by then does not end: ten times what the slowest takes inside two emulations on a busy host.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private const DynamicallyAccessedMemberTypes Facts = DynamicallyAccessedMemberTypes.PublicMethods;

    /// <summary>Runs every fact of the suite on an engine's class.</summary>
    /// <typeparam name="T">The class.</typeparam>
    /// <param name="write">Gets a line for each: <c>ok</c> or <c>FAILED</c>, name, milliseconds, and why.</param>
    /// <param name="except">Names that are left out.</param>
    /// <returns>How many passed, and how many failed.</returns>
    public static async Task<(int Passed, int Failed)> RunAsync<T>(Action<string> write, params string[] except)
        where T : EngineConformance, new() => await RunAsync<T>(Programs(typeof(EngineConformance), except), write);

    /// <summary>Runs every fact of a test class of its own.</summary>
    /// <typeparam name="T">The class.</typeparam>
    /// <param name="write">Gets a line for each, as above.</param>
    /// <returns>How many passed, and how many failed.</returns>
    public static async Task<(int Passed, int Failed)> RunFactsAsync<[DynamicallyAccessedMembers(Facts)] T>(Action<string> write)
        where T : new() => await RunAsync<T>(Programs(typeof(T), []), write);

    private static async Task<(int Passed, int Failed)> RunAsync<T>(IEnumerable<MethodInfo> facts, Action<string> write)
        where T : new()
    {
        int passed = 0, failed = 0;
        foreach (MethodInfo method in facts)
        {
            long start = Stopwatch.GetTimestamp();
            string? why = await RunOneAsync<T>(method);
            if (why is null) passed++;
            else failed++;
            write($"{(why is null ? "ok" : "FAILED")} {method.Name} {Stopwatch.GetElapsedTime(start).TotalMilliseconds:F0} ms {why?.ReplaceLineEndings(" ")}");
        }
        return (passed, failed);
    }

    /// <summary>Runs them for the states that their machines end in. What a program asserts is not looked at here.</summary>
    public static async Task<Dictionary<string, List<VcpuState>>> CollectEndsAsync<T>(params string[] except)
        where T : EngineConformance, new()
    {
        var ends = new Dictionary<string, List<VcpuState>>();
        foreach (MethodInfo method in Programs(typeof(EngineConformance), except))
        {
            var ended = new List<VcpuState>();
            Machine.Ended.Value = ended;
            await RunOneAsync<T>(method);
            Machine.Ended.Value = null;
            ends[method.Name] = ended;
        }
        return ends;
    }

    private static IEnumerable<MethodInfo> Programs([DynamicallyAccessedMembers(Facts)] Type suite, string[] except) => suite.GetMethods()
        .Where(method => method.GetCustomAttribute<FactAttribute>() is not null && !except.Contains(method.Name)).OrderBy(static method => method.Name);

    private static async Task<string?> RunOneAsync<T>(MethodInfo method)
        where T : new()
    {
        var suite = new T();
        try
        {
            await Task.Factory.StartNew(async () => await (method.Invoke(suite, null) as Task ?? Task.CompletedTask), TaskCreationOptions.LongRunning).Unwrap().WaitAsync(Patience);
            return null;
        }
        catch (TargetInvocationException fault)
        {
            return fault.InnerException?.ToString();
        }
        catch (Exception fault)
        {
            return fault.ToString();
        }
        finally
        {
            (suite as IDisposable)?.Dispose();
        }
    }
}
