// The index of a session, page after page in the background; a live one is asked again when the live stream hints.
import { useQuery } from '@tanstack/react-query'
import { useEffect } from 'react'
import { indexQuery } from './queries.ts'

export function useIndex(id: string, isLive: boolean) {
  const query = useQuery(indexQuery(id, isLive))
  const { data, isFetching, isError, refetch } = query
  useEffect(() => {
    if (data !== undefined && !data.isComplete && !isFetching && !isError) void refetch()
  }, [data, isFetching, isError, refetch])
  return query
}
