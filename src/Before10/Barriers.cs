namespace System.Threading;

/// <summary>The barriers that <see cref="Volatile"/> has since .NET 10, for the build with an older runtime (<c>./native</c>).</summary>
internal static class BarriersBefore10
{
    extension(Volatile)
    {
        public static void ReadBarrier() => Interlocked.MemoryBarrier();

        public static void WriteBarrier() => Interlocked.MemoryBarrier();
    }
}
