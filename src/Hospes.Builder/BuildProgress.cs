namespace Hospes.Builder;

/// <summary>The stages of a build, in order.</summary>
public enum BuildStage
{
    /// <summary>The kernel's headers are read and its payload unpacked.</summary>
    ReadKernel,

    /// <summary>The kernel's segments are copied into guest memory.</summary>
    LoadKernel,

    /// <summary>The initrd is copied into guest memory.</summary>
    LoadInitrd,

    /// <summary>The start information is written.</summary>
    WriteStartInfo,
}

/// <summary>How far a build is.</summary>
/// <param name="Stage">The stage that runs.</param>
/// <param name="Done">Bytes done in it.</param>
/// <param name="Total">Bytes to do in it; 0 when that is not known.</param>
public readonly record struct BuildProgress(BuildStage Stage, long Done, long Total);
