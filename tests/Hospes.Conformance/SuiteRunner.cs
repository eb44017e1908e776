using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;

namespace Hospes.Conformance;

/// <summary>Runs the suite without a test runner: inside a nested guest there is none, and on hosts without KVM its class must not be found by one.</summary>
internal static class SuiteRunner
{
    /// <summary>Runs every fact of a class on an instance of its own.</summary>
    /// <typeparam name="T">The class.</typeparam>
    /// <param name="write">Gets a line for each: <c>ok</c> or <c>FAILED</c>, name, milliseconds, and why.</param>
    /// <param name="except">Names that are left out.</param>
    /// <returns>How many passed, and how many failed.</returns>
    public static async Task<(int Passed, int Failed)> RunAsync<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicMethods)] T>(Action<string> write, params string[] except)
        where T : EngineConformance, new()
    {
        int passed = 0, failed = 0;
        foreach (MethodInfo method in typeof(T).GetMethods().Where(static method => method.GetCustomAttribute<FactAttribute>() is not null).OrderBy(static method => method.Name))
        {
            if (except.Contains(method.Name)) continue;
            long start = Stopwatch.GetTimestamp();
            string? why = null;
            var suite = new T();
            try
            {
                if (method.Invoke(suite, null) is Task task) await task;
            }
            catch (TargetInvocationException fault)
            {
                why = fault.InnerException?.ToString();
            }
            catch (Exception fault)
            {
                why = fault.ToString();
            }
            finally
            {
                (suite as IDisposable)?.Dispose();
            }
            if (why is null) passed++;
            else failed++;
            write($"{(why is null ? "ok" : "FAILED")} {method.Name} {Stopwatch.GetElapsedTime(start).TotalMilliseconds:F0} ms {why?.ReplaceLineEndings(" ")}");
        }
        return (passed, failed);
    }
}
