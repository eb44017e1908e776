using System.Runtime.InteropServices;

namespace Hospes.Storage.Native;

/// <summary>Looks for the system's libraries before their first call, so that a missing one is an answer and not a crash.</summary>
internal static class SharedLibrary
{
    /// <summary>True when a library can be loaded. The loader counts references: it stays loaded, as the imports are about to want it.</summary>
    public static bool IsThere(string name) => NativeLibrary.TryLoad(name, typeof(SharedLibrary).Assembly, DllImportSearchPath.SafeDirectories, out _);
}
